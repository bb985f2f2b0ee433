"""Frameworks. ``suite`` is a Django project's own tests: run by themselves, on each Django that is supported.

``moved`` is a project that goes from Celery to Horarium and back, step by step in processes of its own.
"""

collect_ignore = ["suite", "moved"]

"""Frameworks. ``suite`` is a Django project's own tests: run by themselves, on each Django that is supported."""

collect_ignore = ["suite"]

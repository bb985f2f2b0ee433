"""Moving a project that was written for Celery: what it holds, what of it works here, and what can be rewritten."""

"""``celery.exceptions`` by its own name: every error, ours and Celery's. A door; nothing inside imports it."""

from horarium.errors import *  # noqa: F403  # errors.py is where names are added

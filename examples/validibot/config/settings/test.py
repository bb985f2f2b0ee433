"""Settings of the tests: a call of a task runs it, there and then, and nothing is asked for a broker."""

from config.settings.base import *  # noqa: F403

CELERY_TASK_ALWAYS_EAGER = True
CELERY_BROKER_URL = "redis://127.0.0.1:1/0"  # where nobody is

"""``celery.contrib.abortable`` by its own name: tasks that look, now and then, whether they should stop. A door."""

from horarium.app.abortable import *  # noqa: F403

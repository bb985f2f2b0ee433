"""``celery.result`` by its own name: handles of runs. A door; nothing inside imports it."""

from horarium.app.result import AsyncResult as AsyncResult
from horarium.app.result import EagerResult as EagerResult

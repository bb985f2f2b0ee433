"""``celery.contrib.abortable`` by its own name: tasks that look, now and then, whether they should stop.

A door; nothing inside imports it. To abort is to revoke without force: a run that waits never starts, one that runs
goes on until it looks, ends as it likes, and is not retried.
"""

from __future__ import annotations

from typing import Any

from horarium.app.result import AsyncResult
from horarium.app.task import Task

ABORTED = "ABORTED"  # Celery's word for the state; here the run keeps its own, and ``is_aborted`` tells


class AbortableAsyncResult(AsyncResult):
    """The handle of a run that may be told to stop."""

    def is_aborted(self) -> bool:
        """Whether somebody has asked it to stop, or has cancelled it before it started."""
        run = self.run
        return run is not None and (run.cancel is not None or run.state == "REVOKED")

    def abort(self) -> None:
        """Ask it to stop. Calling it twice changes nothing; a run that has ended stays as it is."""
        self.revoke()


class AbortableTask(Task):
    """The base class of tasks that ask ``self.is_aborted()`` while they run."""

    def AsyncResult(self, task_id: str) -> AbortableAsyncResult:
        """Return the handle of a run by its id."""
        return AbortableAsyncResult(task_id, app=self.app)

    def is_aborted(self, **_: Any) -> bool:
        """Whether the running task has been asked to stop; one look into the store. False when called directly."""
        request = self.request
        if request.id is None or request.is_eager:
            return False
        return self.AsyncResult(request.id).is_aborted()

"""Tasks that can be asked to stop, and ask whether they were: Celery's ``contrib.abortable``.

The request is kept with the run in the store: it reaches a task in any process, and one that has not started yet does
not start. It is a revocation without force, so the run is not retried either.
"""

from __future__ import annotations

from typing import Any

from horarium.app.result import AsyncResult
from horarium.app.task import Task
from horarium.outcome import Run, State

ABORTED = "ABORTED"


class AbortableAsyncResult(AsyncResult):
    """The handle of a run that can be asked to stop."""

    @property
    def state(self) -> str:
        """The run's state; ABORTED from the request to stop to its end."""
        run = self.run
        if run is None:
            return State.PENDING
        return ABORTED if _is_asked_to_stop(run) and not run.has_ended else run.state

    def is_aborted(self) -> bool:
        """Whether the run was asked to stop, and has not ended by itself before."""
        run = self.run
        return run is not None and _is_asked_to_stop(run)

    def abort(self) -> None:
        """Ask the run to stop. One that waits does not start; one that runs is expected to ask ``is_aborted``. What it
        returns then is its result. Idempotent; an ended run is left alone."""
        self.revoke()


class AbortableTask(Task):
    """The base of tasks that can be asked to stop: they call ``self.is_aborted()`` now and then."""

    abstract = True

    def AsyncResult(self, task_id: str) -> AbortableAsyncResult:
        """Return the handle of a run by its id."""
        return AbortableAsyncResult(task_id, app=self.app)

    def is_aborted(self, task_id: str | None = None, **_: Any) -> bool:
        """Ask the store whether the current run (or another one) was asked to stop; one round trip.

        False outside of a run, and in one that runs inline, which nobody can have asked.
        """
        id = task_id or self.request.id
        if id is None or (task_id is None and self.request.is_eager):
            return False
        return self.AsyncResult(id).is_aborted()


def _is_asked_to_stop(run: Run) -> bool:
    return run.cancel is not None or run.state == State.REVOKED

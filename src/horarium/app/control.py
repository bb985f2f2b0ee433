"""What operators do to runs and queues from Python: ``app.control``."""

from __future__ import annotations

from collections.abc import Sequence

from horarium import signals
from horarium.app import signalling
from horarium.app.connection import Connection
from horarium.engines.records import CONTROL_TOPIC, RESULT_TOPIC, Purge, Revoke
from horarium.outcome import State


class Control:
    """Remote control of runs and queues. The store carries it out: it holds for workers that start later, too."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def revoke(self, task_id: str | Sequence[str], *, terminate: bool = False) -> list[str]:
        """Cancel runs; return the ids that this changed. See AsyncResult.revoke."""
        ids = (task_id,) if isinstance(task_id, str) else tuple(str(id) for id in task_id)
        engine = self._connection.engine
        changed = engine.inspector.act(Revoke(ids=ids, terminate=terminate), now=engine.now())
        engine.notifier.notify([CONTROL_TOPIC, RESULT_TOPIC])
        if signals.task_revoked.receivers:
            for run in engine.results.read(changed):
                if run is not None and run.state == State.REVOKED:  # the others are told of by the worker that has them
                    signalling.revoked_run(run, "")
        return changed

    def terminate(self, task_id: str | Sequence[str]) -> list[str]:
        """Cancel runs, those that are running included: their processes are stopped."""
        return self.revoke(task_id, terminate=True)

    def purge(self, queues: Sequence[str] | None = None) -> int:
        """Cancel all waiting runs of the queues (None: of all); return how many. Running ones go on."""
        engine = self._connection.engine
        purged = engine.inspector.act(Purge(queues=tuple(queues) if queues is not None else None), now=engine.now())
        engine.notifier.notify([RESULT_TOPIC])
        return len(purged)

"""The tasks that every app has: what canvases are made of, and chores. Their names are Celery's where it has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from horarium import codec
from horarium.app.archive import remove_old
from horarium.app.freezing import CALL_ERRBACK
from horarium.app.mapping import chunks
from horarium.app.request import Request
from horarium.app.signature import Signature
from horarium.clock import FOREVER
from horarium.engines.records import MaintenancePolicy
from horarium.message import Delivery, derived_id
from horarium.workflow.plan import ACCUMULATE

CLEANUP = "celery.backend_cleanup"


class Registrar(Protocol):
    """An app, as far as the standard tasks know it."""

    def known_task(self, name: str) -> Any: ...

    def add_task(self, function: Any, options: Mapping[str, Any]) -> Any: ...


def accumulate(values: Any = ()) -> Any:
    """Return the values of a group as one value."""
    return values


def map_(self: Any, task: Mapping[str, Any], it: Iterable[Any]) -> list[Any]:
    """Call a task with each of the values."""
    call = Signature.from_dict(task, app=self.app)
    return [call(value) for value in it]


def starmap(self: Any, task: Mapping[str, Any], it: Iterable[Any]) -> list[Any]:
    """Call a task with each of the lists of arguments."""
    call = Signature.from_dict(task, app=self.app)
    return [call(*values) for values in it]


def chunked(self: Any, task: Mapping[str, Any], it: Iterable[Any], n: int) -> Any:
    """Send a group of starmaps."""
    return chunks(Signature.from_dict(task, app=self.app), it, n, app=self.app).apply_async()


def call_errback(self: Any, failed: str, errback: Mapping[str, Any]) -> Any:
    """Call an errback that takes (request, exc, traceback) of a run that has failed; send any other with its id."""
    call = Signature.from_dict(errback, app=self.app)
    task = self.app.known_task(call.name)
    if task is None or not task.arguments.takes_more_than(2 + len(call.args)):
        options = {**call.options, "task_id": call.options.get("task_id") or derived_id(self.request.id, "errback")}
        return call.replace(options=options).apply_async((failed,))  # of that id, so a second delivery sends no other
    [run] = self.app.engine.results.read([failed])
    error = codec.decode_error(run.error) if run is not None and run.error is not None else None
    traceback = run.error.traceback if run is not None and run.error is not None else None
    request = Request()
    if run is not None:
        owner = Delivery(message=run.message, owner="", fence=0, attempt=len(run.attempts), claimed=run.changed)
        request = Request(owner, worker=run.worker)
    return call(request, error, traceback)


def backend_cleanup(self: Any) -> None:
    """Forget runs that are kept no longer. Workers do that by themselves; this is for those who cannot wait."""
    engine, keep = self.app.engine, self.app.conf.result_expires
    policy = MaintenancePolicy(keep=keep or FOREVER)
    while engine.queue.maintain(now=engine.now(), policy=policy).more:
        pass
    archive = self.app.connection.archive
    if archive is None or not keep:
        return
    remove_old(archive, keep=keep, keep_failed=self.app.conf.result_failure_expires or None, now=engine.now())


STANDARD: dict[str, tuple[Any, bool]] = {  # the function, and whether it is given the task
    ACCUMULATE: (accumulate, False),
    "celery.map": (map_, True),
    "celery.starmap": (starmap, True),
    "celery.chunks": (chunked, True),
    CALL_ERRBACK: (call_errback, True),
    CLEANUP: (backend_cleanup, True),
}


def register(app: Registrar) -> None:
    """Let an app have the standard tasks; what it has by one of their names stays."""
    for name, (function, is_bound) in STANDARD.items():
        if app.known_task(name) is None:
            app.add_task(function, {"name": name, "bind": is_bound, "typing": False})

"""Events as the log lines that people know and grep for. Listens to workers and to schedulers, also of one process."""

from __future__ import annotations

import logging

from horarium.clock import Seconds
from horarium.event import (
    ChildLost,
    ChildRecycled,
    ChildStalled,
    Event,
    Finished,
    GivenUp,
    NameShared,
    OwnersExpired,
    Received,
    Recovered,
    Refused,
    StoreWeak,
    Troubled,
    WorkerReady,
    WorkerStarting,
    WorkerStopped,
    WorkerStopping,
)
from horarium.observe import bridge_lines, logs, scheduler_lines
from horarium.observe.finding import plural
from horarium.outcome import Crashed, Expired, Failed, Ignored, Rejected, Released, Retried, Revoked, Succeeded
from horarium.version import __version__

logger = logging.getLogger("horarium.worker")

LONGEST_RESULT = 200  # characters


class Lines:
    """Writes events to the log. May be used by any thread and process."""

    @property
    def is_detailed(self) -> bool:
        return logger.isEnabledFor(logging.INFO)

    def enter(self, process: str) -> None:
        logs.name_process(process)

    def tell(self, event: Event) -> None:
        match event:
            case Received(delivery=delivery):
                logger.info("Task %s[%s] received", delivery.message.task, delivery.message.id)
            case Finished():
                self._finished(event)
            case WorkerStarting():
                print(banner(event), flush=True)  # not a log line: it shows at every level, as Celery's does
            case _ if scheduler_lines.is_of_scheduler(event):
                scheduler_lines.write(event)
            case _ if bridge_lines.is_of_bridge(event):
                bridge_lines.write(event)
            case _:
                level, text = describe(event)
                logger.log(level, "%s", text)

    def _finished(self, event: Finished) -> None:
        task, id, took = event.delivery.message.task, event.delivery.message.id, event.runtime
        match event.outcome:
            case Succeeded():
                logger.info("Task %s[%s] succeeded in %ss: %s", task, id, _seconds(took), _short(event.result_text))
            case Retried():
                logger.info("Task %s[%s] retry: %s", task, id, event.result_text)
            case Failed() if event.expected:
                logger.info("Task %s[%s] raised expected: %s", task, id, event.result_text)
            case Failed(error=error):
                trace = f"\n{error.traceback}" if error.traceback else ""
                logger.error("Task %s[%s] raised unexpected: %s%s", task, id, event.result_text, trace.rstrip())
            case Crashed(error=error):
                logger.error("Task %s[%s] crashed: %s", task, id, error.text)
            case Revoked(reason=reason):
                logger.info("Discarding revoked task: %s[%s] (%s)", task, id, reason)
            case Expired():
                logger.info("Discarding revoked task: %s[%s] (expired)", task, id)
            case Rejected(reason=reason):
                logger.warning("Task %s[%s] rejected: %s", task, id, reason)
            case Ignored():
                logger.info("Task %s[%s] ignored", task, id)
            case Released(reason=reason):
                logger.info("Task %s[%s] given back: %s", task, id, reason)


def describe(event: Event) -> tuple[int, str]:
    """Return the level and the words of a worker's event that is not about one task's run."""
    match event:
        case StoreWeak(weakness=weakness):
            return logging.WARNING, f"store: {weakness}"
        case NameShared(name=name, pid=pid, host=host):
            text = f"another live worker (pid {pid} on {host}) is named {name} too; give each its own name with -n NAME"
            return logging.WARNING, text
        case WorkerReady(name=name):
            return logging.INFO, f"{name} ready."
        case WorkerStopping(name=name, patience=patience):
            how = f"tasks that run have {patience:g} s" if patience else "giving back what runs"
            return logging.WARNING, f"{name} stopping: {how}"
        case WorkerStopped(name=name, given_back=()):
            return logging.INFO, f"{name} stopped."
        case WorkerStopped(name=name, given_back=ids):
            return logging.WARNING, f"{name} stopped; given back, to run again: {', '.join(ids)}"
        case Troubled(where=where, reason=reason, wait=wait, traceback=traceback):
            again = f"; trying again in {wait:.1f} s" if wait is not None else ""
            trace = f"\n{traceback.rstrip()}" if traceback else ""
            return (logging.ERROR if wait is None else logging.WARNING), f"{where}: {reason}{again}{trace}"
        case Recovered(where=where):
            return logging.INFO, f"{where}: works again"
        case ChildLost(pid=pid, reason=reason, running=running):
            hit = f"; it was running {', '.join(f'{task}[{id}]' for task, id in running)}" if running else ""
            return logging.ERROR, f"child {pid} ended unexpectedly: {reason}{hit}"
        case GivenUp(task=task, id=id, crashes=crashes, reason=reason):
            return logging.ERROR, f"Task {task}[{id}] given up after {plural(crashes, 'crash', 'crashes')}: {reason}"
        case ChildRecycled(pid=pid, reason=reason):
            return logging.INFO, f"child {pid} makes way for a fresh one: {reason}"
        case ChildStalled(pid=pid, due=due):
            waiting = plural(due, "message")
            return (
                logging.WARNING,
                f"child {pid} claims nothing although {waiting} could be; it makes way for a fresh one",
            )
        case Refused(task=task, id=id, attempt=attempt):
            text = f"Task {task}[{id}]: the outcome of attempt {attempt} came too late, and was discarded"
            return logging.WARNING, text
        case OwnersExpired(owners=owners, returned=returned):
            return logging.WARNING, f"lease not renewed by {', '.join(owners)}; deliveries that went back: {returned}"
        case _:
            return logging.DEBUG, str(event)


def banner(event: WorkerStarting) -> str:
    """Return what a worker shows when it starts."""
    rows = {
        "app": event.app,
        "store": event.store,
        "concurrency": f"{event.concurrency} ({event.pool})",
        "queues": ", ".join(event.queues),
    }
    shown = [f"  {label + ':':<13}{value}" for label, value in rows.items()]
    tasks = [f"  . {task}" for task in event.tasks] or ["  (none: nothing will run; name their modules in include)"]
    return "\n".join([f"\n-- horarium {__version__}: {event.name}", *shown, "", "[tasks]", *tasks, ""])


def _seconds(runtime: Seconds) -> str:
    return f"{runtime:.6f}".rstrip("0").rstrip(".") or "0"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_RESULT else text[: LONGEST_RESULT - 3] + "..."

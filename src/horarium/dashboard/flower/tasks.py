"""``/api/task…``: look at runs, and send them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from horarium.app import telling
from horarium.app.event_state import Task
from horarium.app.result import AsyncResult
from horarium.clock import Instant, to_instant
from horarium.dashboard.flower.asked import Asked, Did, Refused, Shelf, refused_by
from horarium.dashboard.person import Role
from horarium.engines.records import Page, RunFilter
from horarium.errors import CodecError, HorariumError
from horarium.observe.moments import zone_or_utc
from horarium.observe.redacted import IN_LISTS, shown_run
from horarium.outcome import Run, State

shelf = Shelf()

LISTED = 1000  # tasks, without a limit
MOST_LOOKED_AT = 10_000  # Flower's max_tasks: it never knew of more
PAGE = 500
LONGEST_SEARCH = 1000  # characters
DATE = "%Y-%m-%d %H:%M:%S.%f"
MINUTE = "%Y-%m-%d %H:%M"

# Celery knows fewer ends than we do.
STATES = {State.EXPIRED: "REVOKED", State.DEAD: "FAILURE"}
ENDS = {"SUCCESS": "succeeded", "FAILURE": "failed", "REVOKED": "revoked", "REJECTED": "rejected", "RETRY": "retried"}
SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {  # Any: what can be compared
    "name": lambda task: task["name"] or "",
    "state": lambda task: task["state"],
    "received": lambda task: task["received"] or 0.0,
    "started": lambda task: task["started"] or 0.0,
}
TERM = re.compile(r'(?:(\w+):)?(?:"([^"]*)"|(\S+))')
SEARCHED = ("name", "uuid", "state", "worker", "args", "kwargs", "result")


@shelf.get("/api/tasks", is_long=True)
def list_tasks(asked: Asked) -> dict[str, Any]:
    """Return runs by id, the latest first: 1,000 unless there is a limit, among the newest 10,000 that fit."""
    sort_by = asked.text("sort_by")
    if sort_by is not None and sort_by.lstrip("-") not in SORTS:
        raise Refused(400, "Invalid argument sort_by")
    limit, offset = asked.number("limit", LISTED), max(asked.number("offset", 0), 0)
    needed = MOST_LOOKED_AT if sort_by else min(max(limit, 0) + offset, MOST_LOOKED_AT)
    found: list[dict[str, Any]] = []
    for task in _fitting(asked):
        found.append(task)
        if len(found) >= needed:
            break
    if sort_by is not None:
        found.sort(key=SORTS[sort_by.lstrip("-")], reverse=sort_by.startswith("-"))
    return {task["uuid"]: task for task in found[offset : offset + max(limit, 0)]}


@shelf.get("/api/task/types")
def list_types(asked: Asked) -> dict[str, Any]:
    """Return the names of the tasks that the app or a live worker knows."""
    return {"task-types": sorted({*asked.call.app.tasks.own, *_elsewhere(asked)})}


@shelf.get("/api/task/info/{part:path}")
def show_task(asked: Asked) -> dict[str, Any]:
    """Return all that is known of a run."""
    [run] = asked.call.engine.results.read([asked.part])
    if run is None:
        raise Refused(404, f"Unknown task '{asked.part}'")
    return as_task(asked, run)


@shelf.get("/api/task/result/{part:path}")
def show_result(asked: Asked) -> dict[str, Any]:
    """Return what a run returned, as soon as it has ended; ``timeout`` is waited out by the server."""
    return result_of(asked, asked.part)


@shelf.post("/api/task/apply/{part:path}", role=Role.OPERATOR)
@shelf.post("/api/task/async-apply/{part:path}", role=Role.OPERATOR)
def apply(asked: Asked) -> Did:
    """Send a task that the app knows. (For the result of ``apply`` the server waits.)"""
    if asked.part not in asked.call.app.tasks:
        raise Refused(404, f"Unknown task '{asked.part}'")
    return _sent(asked)


@shelf.post("/api/task/send-task/{part:path}", role=Role.OPERATOR)
def send_task(asked: Asked) -> Did:
    """Send a task that the app or a live worker knows; any other only where the dashboard allows it."""
    name = asked.name("task name")
    if not (asked.sends_unregistered or name in asked.call.app.tasks or name in _elsewhere(asked)):
        raise Refused(404, f"Unknown task '{name}'")
    return _sent(asked)


@shelf.post("/api/task/revoke/{part:path}", role=Role.OPERATOR)
def revoke(asked: Asked) -> Did:
    """Cancel a run; with ``terminate`` end its process too."""
    try:
        signal = asked.text("signal", "SIGTERM") or "SIGTERM"
        asked.call.app.control.revoke(asked.name("task id"), terminate=asked.flag("terminate"), signal=signal)
    except ValueError as error:
        raise Refused(400, str(error)) from None
    text = f"Revoked '{asked.part}'"
    return Did(body={"message": text}, text=text, about=asked.part)


@shelf.post("/api/task/abort/{part:path}", role=Role.OPERATOR)
def abort(asked: Asked) -> Did:
    """Ask a run to stop by itself."""
    if not asked.call.app.connection.keeps_results:
        raise Refused(503)
    asked.call.app.control.revoke(asked.name("task id"))
    text = f"Aborted '{asked.part}'"
    return Did(body={"message": text}, text=text, about=asked.part)


@shelf.get("/api/queues/length")
def queue_lengths(asked: Asked) -> dict[str, Any]:
    """Return how many messages are ready in each queue that holds any or is read."""
    engine = asked.call.engine
    counts = engine.inspector.counts(most=0).queues
    members = engine.inspector.workers(now=asked.call.now)
    read = {queue for each in members if each.alive for queue in each.member.queues}
    names = sorted({*counts, *read}) or [asked.call.app.conf.task_default_queue]
    return {
        "active_queues": [{"name": name, "messages": counts[name].ready if name in counts else 0} for name in names]
    }


def result_of(asked: Asked, id: str) -> dict[str, Any]:  # Any: JSON
    """Return a run's state, and its result when it has ended. Raises: Refused where no results are kept."""
    if not asked.call.app.connection.keeps_results:
        raise Refused(503)
    app = asked.call.app
    try:
        [run] = app.engine.results.read([id])
        answer: dict[str, Any] = {"task-id": id, "state": _state(run.state) if run is not None else "PENDING"}
        if run is not None and run.has_ended:
            run = shown_run(run, app)
            value = AsyncResult(id, app=app, run=run).get(timeout=0, propagate=False)
            answer["result"] = repr(value) if isinstance(value, BaseException) else plain(value)
            if answer["state"] == "FAILURE":
                answer["traceback"] = run.error.traceback if run.error is not None else None
    except HorariumError as error:  # a result that cannot be read
        answer["result"] = str(error)
    return answer


def plain(value: Any) -> Any:
    """Return a value as JSON has it, or its text."""
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError):
        return repr(value)


def as_task(asked: Asked, run: Run) -> dict[str, Any]:  # Any: as Flower has it
    """Return a run as Flower shows a task: Celery's fields, moments in seconds since 1970; without its secrets."""
    run = shown_run(run, asked.call.app, limit=IN_LISTS)
    message, state = run.message, _state(run.state)
    told = telling.sent(message, "", run.changed)
    fields = {key: told[key] for key in ("name", "args", "kwargs", "root_id", "parent_id", "retries", "eta", "expires")}
    task = Task(
        run.id,
        **fields,
        state=state,
        sent=message.created / 1000,
        received=_seconds(run.started),
        started=_seconds(run.started),
        runtime=run.took if state == "SUCCESS" else None,
        result=_text(run) if state == "SUCCESS" else None,
        exception=f"{run.error.class_path.rpartition('.')[2]}({run.error.text!r})" if run.error else None,
        traceback=run.error.traceback if run.error else None,
        timestamp=run.changed / 1000,
        clock=run.changed,
        exchange="",
        routing_key=message.queue,
        client=message.origin or None,
    ).as_dict()
    if state in ENDS:
        task[ENDS[state]] = _seconds(run.ended) or run.changed / 1000
    task["worker"] = run.worker or None
    return task


def _elsewhere(asked: Asked) -> set[str]:
    """Return the names of the tasks that live workers know."""
    members = asked.call.engine.inspector.workers(now=asked.call.now)
    return {task for each in members if each.alive for task in each.member.tasks}


def _sent(asked: Asked) -> Did:
    """Send the task that the path names, as the body says. Raises: Refused."""
    options = asked.json()
    args, kwargs = options.pop("args", []), options.pop("kwargs", {})
    if not isinstance(args, list):
        raise Refused(400, "args must be an array")
    if not isinstance(kwargs, dict):
        raise Refused(400, "kwargs must be an object")
    app = asked.call.app
    zone = ZoneInfo(zone_or_utc(app.conf.timezone))
    try:
        _normalize(options, zone)
        task = app.known_task(asked.part)
        # Not app.send_task: this process must never run it, whatever task_always_eager says.
        message, placed = app.producer.send(asked.part, task, args, kwargs, options)
    except HorariumError as error:
        raise refused_by(error) from None
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise Refused(400, "Invalid option") from None
    id = placed if isinstance(placed, str) else message.id
    body = {"task-id": id, "state": "PENDING"}
    if not app.connection.keeps_results:
        del body["state"]
    return Did(body=body, text=f"sent {asked.part}", about=id)


def _normalize(options: dict[str, Any], zone: ZoneInfo) -> None:
    """Read what JSON has no word for, as Flower does. Raises: ValueError, TypeError."""
    if "eta" in options:
        options["eta"] = datetime.strptime(options["eta"], DATE).replace(tzinfo=zone)
    if "countdown" in options:
        options["countdown"] = float(options["countdown"])
    if "expires" in options:
        try:
            options["expires"] = float(options["expires"])
        except ValueError:
            options["expires"] = datetime.strptime(options["expires"], DATE).replace(tzinfo=zone)


def _fitting(asked: Asked) -> Iterator[dict[str, Any]]:
    """Yield the runs that are asked for, the latest first; not more than MOST_LOOKED_AT are read."""
    worker, name, state = (_chosen(asked.text(each)) for each in ("workername", "taskname", "state"))
    start, end = (_minute(asked, each) for each in ("received_start", "received_end"))
    if len(asked.text("search") or "") > LONGEST_SEARCH:
        raise Refused(400, "Invalid argument search")  # each word is looked for in each of the runs
    terms = [(field, quoted or word) for field, quoted, word in TERM.findall(asked.text("search") or "")]
    wanted = RunFilter(tasks=(name,) if name else (), states=_states(state))
    after: str | None = None
    for _ in range(MOST_LOOKED_AT // PAGE):
        page = asked.call.engine.results.search(wanted, Page(limit=PAGE, after=after))
        for run in page.runs:
            if worker and run.worker and run.worker != worker:
                continue
            if run.started is not None and not (start or 0) <= run.started <= (end or run.started):
                continue
            task = as_task(asked, run)
            if all(_has(task, field, text) for field, text in terms):
                yield task
        if page.next is None:
            return
        after = page.next


def _has(task: dict[str, Any], field: str, text: str) -> bool:
    """Tell whether one field holds a text, or any of them; ``kwargs:key=value`` looks for that argument."""
    if field == "kwargs" and "=" in text:
        key, _, value = text.partition("=")
        shown = str(task["kwargs"])
        return f"'{key}': {value}" in shown or f"'{key}': '{value}'" in shown
    if field in SEARCHED:
        return text.lower() in str(task[field]).lower()
    whole = f"{field}:{text}" if field else text
    return any(whole.lower() in str(task[each]).lower() for each in SEARCHED)


def _states(state: str | None) -> tuple[str, ...]:
    """Return the states of ours that Celery's word means."""
    if state is None:
        return ()
    return (state, *(str(ours) for ours, theirs in STATES.items() if theirs == state))


def _chosen(text: str | None) -> str | None:
    return None if text in (None, "", "All") else text


def _minute(asked: Asked, name: str) -> Instant | None:
    if not (text := asked.text(name)):
        return None
    try:
        moment = datetime.strptime(text, MINUTE)
        return max(to_instant(moment.replace(tzinfo=ZoneInfo(zone_or_utc(asked.call.app.conf.timezone)))), 0)
    except (ValueError, OverflowError):
        raise Refused(400, f"Invalid argument {name}") from None


def _state(state: str) -> str:
    return STATES.get(State(state), state) if state in State.__members__ else state


def _seconds(instant: Instant | None) -> float | None:
    return None if instant is None else instant / 1000


def _text(run: Run) -> str | None:
    if run.result is None:
        return None
    try:
        return telling.shortened(repr(msgspec.json.decode(run.result)))
    except (msgspec.DecodeError, CodecError):
        return telling.shortened(bytes(run.result).decode("utf-8", "replace"))

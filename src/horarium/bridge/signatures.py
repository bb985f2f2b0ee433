"""Calls that are not made yet: Celery's dicts to our signatures, and back.

A chain's rest is a link of a link: each step sends the next with its result. What counts its members on Celery's side
(chord), or is several calls in one (group, chain, chord as a callback), is refused, never flattened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from horarium.bridge.envelope import Placed, Ranked, Refusal
from horarium.bridge.values import raw_from_celery, raw_to_celery
from horarium.clock import Instant, to_datetime, to_instant
from horarium.message import Signature

LONGEST_CHAIN = 60  # steps: each is nested in the one before, and what writes JSON goes only so deep
BUILT_IN = "celery."

# Options that say how Celery is to send it; they have no meaning where it is not Celery that sends.
_OF_THE_WAY = frozenset(
    "exchange serializer compression reply_to root_id parent_id retry retry_policy connection producer publisher "
    "add_to_parent delivery_mode group_id group_index shadow argsrepr kwargsrepr stamped_headers stamps route_name "
    "replaced_task_nesting".split()
)
_AS_IT_IS = frozenset("task_id time_limit soft_time_limit ignore_result max_retries".split())


def signature_from(given: Any, *, ranked: Ranked, placed: Placed, then: Sequence[Signature] = ()) -> Signature:
    """Return our signature of one of Celery's; ``then`` are links besides its own. Raises: Refusal."""
    if not isinstance(given, Mapping) or not isinstance(given.get("task"), str) or not given["task"]:
        raise Refusal(f"expected a signature with the name of a task, got {given!r:.80}; look at what sent it")
    task = given["task"]
    if given.get("subtask_type") or task.startswith(BUILT_IN):
        raise Refusal(
            f"expected a callback that is one task, got {given.get('subtask_type') or task}; leave it to "
            "Celery's workers"
        )
    options = _options_from(task, given.get("options") or {}, ranked=ranked, placed=placed)
    links = [*options.pop("links", ()), *then]
    return Signature(
        task=task,
        links=tuple(links),
        error_links=tuple(options.pop("error_links", ())),
        args=raw_from_celery(list(given.get("args") or ()), f"args of {task}"),
        kwargs=raw_from_celery(dict(given.get("kwargs") or {}), f"kwargs of {task}"),
        options=options,
        immutable=bool(given.get("immutable")),
    )


def chain_from(steps: Any, *, ranked: Ranked, placed: Placed) -> tuple[Signature, ...]:
    """Return the link that is the rest of a chain, which Celery keeps in reverse: its last element is next.

    Raises: Refusal.
    """
    if not steps:
        return ()
    if not isinstance(steps, list) or len(steps) > LONGEST_CHAIN:
        raise Refusal(
            f"expected the rest of a chain to be at most {LONGEST_CHAIN} signatures, got "
            f"{len(steps) if isinstance(steps, list) else type(steps).__name__}; leave it to Celery's workers"
        )
    following: tuple[Signature, ...] = ()
    for step in steps:
        following = (signature_from(step, ranked=ranked, placed=placed, then=following),)
    return following


def signature_to(signature: Signature, *, ranked: Ranked, queue_there: Callable[[str], str | None]) -> dict[str, Any]:
    """Return Celery's dict of our signature. A queue that ``queue_there`` does not know is left out: Celery's own
    routes decide. Raises: EncodingError, DecodingError."""
    options = _options_to(signature.options, ranked=ranked, queue_there=queue_there)
    for name, links in (("link", signature.links), ("link_error", signature.error_links)):
        if links:
            options[name] = [signature_to(each, ranked=ranked, queue_there=queue_there) for each in links]
    return {
        "task": signature.task,
        "args": raw_to_celery(signature.args, f"args of {signature.task}"),
        "kwargs": raw_to_celery(signature.kwargs, f"kwargs of {signature.task}"),
        "options": options,
        "subtask_type": None,
        "immutable": signature.immutable,
    }


def moment_from(text: Any, what: str) -> Instant | None:
    """Return the instant of an ISO text; one without an offset is UTC. None: not given. Raises: Refusal."""
    if text is None:
        return None
    from datetime import datetime

    try:
        return to_instant(datetime.fromisoformat(text))
    except (ValueError, TypeError, OverflowError) as error:
        raise Refusal(f"expected {what} to be a moment in ISO 8601, got {text!r:.60}; look at what sent it") from error


def number_from(value: Any, what: str) -> float | None:
    """Return a number that is not negative; None: not given. Raises: Refusal."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise Refusal(f"expected {what} to be a number of at least 0, got {value!r:.60}; look at what sent it")
    return value


def _options_from(task: str, given: Mapping[str, Any], *, ranked: Ranked, placed: Placed) -> dict[str, Any]:
    if given.get("chord"):
        raise Refusal(
            f"expected a callback that is one task, got {task} as part of a chord; leave it to Celery's workers"
        )
    defaults = placed(task)
    options: dict[str, Any] = {"queue": given.get("queue") or given.get("routing_key") or defaults.queue}
    options["priority"] = ranked(given.get("priority"))
    if defaults.at_most_once:
        options["at_most_once"] = True
    for name, value in given.items():
        if value is None or name in _OF_THE_WAY or name in ("queue", "routing_key", "priority", "chord"):
            continue
        options |= _option_from(task, name, value, ranked=ranked, placed=placed)
    if given.get("chain"):
        options["links"] = [*options.get("links", ()), *chain_from(given["chain"], ranked=ranked, placed=placed)]
    return options


def _option_from(task: str, name: str, value: Any, *, ranked: Ranked, placed: Placed) -> dict[str, Any]:
    match name:
        case "chain":
            return {}
        case "link" | "link_error":
            listed = value if isinstance(value, list) else [value]
            field = "links" if name == "link" else "error_links"
            return {field: [signature_from(each, ranked=ranked, placed=placed) for each in listed]} if listed else {}
        case "eta":
            return {"eta": moment_from(value, f"eta of {task}")}
        case "countdown":
            return {"countdown": number_from(value, f"countdown of {task}")}
        case "expires" if isinstance(value, str):
            return {"expires": moment_from(value, f"expires of {task}")}
        case "expires":
            return {"expires_in": number_from(value, f"expires of {task}")}
        case "headers":
            return {"headers": dict(value)}
        case _ if name in _AS_IT_IS:
            return {name: value}
        case _:  # options of the user's own become headers in Celery, and here
            return {}


def _options_to(
    given: Mapping[str, Any], *, ranked: Ranked, queue_there: Callable[[str], str | None]
) -> dict[str, Any]:
    options = {name: value for name, value in given.items() if name in _AS_IT_IS - {"max_retries"}}
    if queue := queue_there(given.get("queue", "")):
        options["queue"] = queue
    if "priority" in given:
        options["priority"] = ranked(given["priority"])
    for name in ("countdown", "headers"):
        if given.get(name):
            options[name] = given[name]
    for name in ("eta", "expires"):
        if given.get(name) is not None:
            options[name] = to_datetime(given[name]).isoformat()
    if given.get("expires_in") is not None:
        options["expires"] = given["expires_in"]
    return options

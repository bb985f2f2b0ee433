"""What the options of a declaration and of a call may be.

A wrong one is refused where it is written. Found by a worker it would be the worker's trouble: a time limit that is a
text, for instance, can neither be kept nor be added to a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, Literal, TypeAlias, get_args

from msgspec import Struct

from horarium.clock import FOREVER
from horarium.rate import EXPECTED as RATE_EXPECTED
from horarium.rate import per_second

RateScope: TypeAlias = Literal["fleet", "worker"]
# What tells from a call's arguments which key it has; see app/keys.py.
KeyRule: TypeAlias = str | Sequence[str] | Callable[..., Any]


class Rule(Struct, frozen=True):
    """What an option may be. ``fits`` is never asked about None, which stands for the default."""

    expected: str
    fits: Callable[[Any], bool]  # Any: whatever the user wrote


def misfit(rules: Mapping[str, Rule], options: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Return name, expectation and text of the first option that is not what it may be, or None."""
    for option, value in options.items():
        rule = rules.get(option)
        if rule is not None and value is not None and not rule.fits(value):
            return option, rule.expected, f"{value!r:.100}"
    return None


def error_classes(value: Any) -> tuple[type[BaseException], ...]:
    """Return one exception class, or a list of them, as a tuple. Raises: TypeError for anything else."""
    classes = (value,) if isinstance(value, type) else value
    if not isinstance(classes, tuple | list) or not all(
        isinstance(one, type) and issubclass(one, BaseException) for one in classes
    ):
        raise TypeError("not exception classes")
    return tuple(classes)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_span(value: Any) -> bool:
    """Whether it leads from now to a moment that a store can hold."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    return _is_number(seconds) and abs(seconds) <= FOREVER


def _is_classes(value: Any) -> bool:
    try:
        error_classes(value)
    except TypeError:
        return False
    return True


def _is_rate(value: Any) -> bool:
    try:
        per_second(value)
    except ValueError:
        return False
    return True


def _is_wait(value: Any) -> bool:
    return _is_span(value) and (value.total_seconds() if isinstance(value, timedelta) else value) > 0


def _is_redact(value: Any) -> bool:
    return all(
        (isinstance(one, str) and one != "") or (isinstance(one, int) and not isinstance(one, bool) and one >= 0)
        for one in (value if isinstance(value, list | tuple | set | frozenset) else (value,))
    )


def _is_key(value: Any) -> bool:
    if isinstance(value, str):
        return value != ""
    return callable(value) or (
        isinstance(value, list | tuple) and len(value) > 0 and all(isinstance(name, str) for name in value)
    )


_FLAG = Rule("True or False", lambda value: isinstance(value, bool))
_QUEUE = Rule("a text that is not empty", lambda value: isinstance(value, str) and value != "")
_ID = Rule("the id of a run", lambda value: isinstance(value, str) and value != "")
# Which of them there are, is for the scheme to say; see priority.py.
_PRIORITY = Rule(
    "0 (last) to 9 (first)", lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255
)
_LIMIT = Rule("a positive number of seconds", lambda value: _is_number(value) and value > 0)
_SECONDS = Rule("a number of seconds, 0 or more", lambda value: _is_number(value) and value >= 0)
_RETRIES = Rule(
    "a whole number, 0 or more, or None for ever",
    lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
)
_COUNT = Rule(
    "a whole number, 1 or more", lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0
)
_WAIT = Rule("a positive number of seconds or a timedelta", _is_wait)
_KEY = Rule("a text such as 'customer:{customer_id}', a list of names of arguments, or a function of them", _is_key)
_DICT = Rule("a dict", lambda value: isinstance(value, Mapping))
_CLASSES = Rule("an exception class, or a tuple of them", _is_classes)

_SHAPING: Mapping[str, Rule] = {
    "concurrency": _COUNT,
    "concurrency_key": _KEY,
    "unique_for": _WAIT,
    "unique_key": _KEY,
    "unique_until": Rule("'start' or 'done'", lambda value: value in ("start", "done")),
    "debounce": _WAIT,
}

DECLARED: Mapping[str, Rule] = {
    **_SHAPING,
    "rate_limit": Rule(RATE_EXPECTED, _is_rate),
    "rate_limit_scope": Rule(
        "'fleet' (all workers together) or 'worker' (each of them, as in Celery)",
        lambda value: value in get_args(RateScope),
    ),
    "rate_limit_burst": _COUNT,
    "redact": Rule("names of arguments, or their places counted from 0: redact=('card', 0)", _is_redact),
    "bind": _FLAG,
    "typing": _FLAG,
    "max_retries": _RETRIES,
    "default_retry_delay": _SECONDS,
    "autoretry_for": _CLASSES,
    "dont_autoretry_for": _CLASSES,
    "throws": _CLASSES,
    "retry_backoff": Rule(
        "True, False or a number of seconds", lambda value: isinstance(value, bool) or _SECONDS.fits(value)
    ),
    "retry_backoff_max": _SECONDS,
    "retry_jitter": _FLAG,
    "retry_kwargs": _DICT,
    "queue": _QUEUE,
    "routing_key": _QUEUE,
    "priority": _PRIORITY,
    "time_limit": _LIMIT,
    "soft_time_limit": _LIMIT,
    "expires": Rule("a number of seconds or a timedelta, at most a hundred years", _is_span),
    "acks_late": _FLAG,
    "ignore_result": _FLAG,
    "track_started": _FLAG,
    "trail": _FLAG,
    "send_events": _FLAG,
    "store_errors_even_if_ignored": _FLAG,
    "acks_on_failure_or_timeout": _FLAG,
    "acks_on_failure": _FLAG,
    "acks_on_timeout": _FLAG,
    "reject_on_worker_lost": _FLAG,
    "retry_on_worker_lost": _FLAG,
    "resultrepr_maxsize": _COUNT,
    "pydantic": _FLAG,
    "pydantic_strict": _FLAG,
    "pydantic_context": _DICT,
    "pydantic_dump_kwargs": _DICT,
}

# Celery's options of a declaration that are accepted and change nothing, and why.
NO_EFFECT: Mapping[str, str] = {
    "send_events": "runs are always recorded, and are their own events",
    "store_errors_even_if_ignored": "errors are kept whether the result is ignored or not",
    "compression": "messages have one form, compact as it is",
    "backend": "results are where the app's setting result_backend says",
    "exchange": "a queue's name is all the routing there is",
    "delivery_mode": "what is accepted is stored durably",
    "acks_on_failure_or_timeout": "finishing a task and recording its result is one step, whatever the result",
    "acks_on_failure": "finishing a task and recording its result is one step, whatever the result",
    "acks_on_timeout": "finishing a task and recording its result is one step, whatever the result",
    "reject_on_worker_lost": "a message is never lost with its worker, unless acks_late=False asks for it",
    "retry_on_worker_lost": "a message is never lost with its worker: it runs again, worker_crash_limit times",
    "Strategy": "workers take messages from the store themselves: nothing of the task's is asked in between",
    "Request": "a worker's own request cannot be replaced; the hooks of Task and the signals tell what it would",
    "shared": "every app has its tasks to itself; @shared_task is for all of them",
    "lazy": "declaring a task costs little, and is done at once",
}

# The same for the options of a call.
NO_EFFECT_ON_CALL: Mapping[str, str] = {
    "producer": "one connection to the store serves all calls",
    "publisher": "one connection to the store serves all calls",
    "connection": "one connection to the store serves all calls; see Task.using for your own transaction",
    "retry_policy": "a publish is tried again until task_publish_timeout, and never makes a second message",
    "compression": "messages have one form, compact as it is",
    "exchange": "a queue's name is all the routing there is",
    "exchange_type": "a queue's name is all the routing there is",
    "delivery_mode": "what is accepted is stored durably",
    "immediate": "messages wait for a worker",
    "mandatory": "queues come to be when they are named",
    "utc": "instants travel in UTC",
}

CALLED: Mapping[str, Rule] = {
    **{name: rule for name, rule in _SHAPING.items() if not name.startswith("concurrency")},
    "countdown": Rule("a number of seconds or a timedelta, at most a hundred years", _is_span),
    "eta": Rule("a datetime", lambda value: isinstance(value, datetime)),
    "expires": Rule(
        "a number of seconds or a timedelta, at most a hundred years, or a datetime",
        lambda value: isinstance(value, datetime) or _is_span(value),
    ),
    "queue": _QUEUE,
    "routing_key": _QUEUE,
    "priority": _PRIORITY,
    "retry": _FLAG,
    "time_limit": _LIMIT,
    "soft_time_limit": _LIMIT,
    "max_retries": _RETRIES,
    "acks_late": _FLAG,
    "ignore_result": _FLAG,
    "headers": _DICT,
    "shadow": _QUEUE,
    "reply_to": _QUEUE,
    "add_to_parent": _FLAG,
    "root_id": _ID,
    "parent_id": _ID,
}

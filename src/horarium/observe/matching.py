"""Whether a run is one that a question asks for: the question made into a function once, then called for many runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from fnmatch import translate
from typing import TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from horarium.clock import Instant, Seconds, to_datetime, to_instant
from horarium.observe.contents import Contents, text_of
from horarium.observe.looks import shown_state
from horarium.observe.moments import parse_past
from horarium.observe.question import SEEN_STATES, Either, Every, Not, Question, Term, seconds_of, states_of
from horarium.outcome import Run
from horarium.redaction import MASK

Check: TypeAlias = Callable[[Run], bool]
# Stands for what is hidden while it is searched: a character that no question holds. Letters of the mask itself would
# fit one; that such a run is found only if the secret fits too would tell of the secret, letter by letter.
HIDDEN = "\uffff"


class Sight(Struct, frozen=True, kw_only=True):
    """From where runs are looked at: the moment that spans reach back from, the zone that moments are meant in, and
    what of a run's contents may be seen. What may not be seen cannot be searched either."""

    now: Instant
    zone: str
    contents: Contents


def check_of(question: Question, sight: Sight) -> Check:
    """Return a function that tells whether a run is meant. It never raises."""
    match question:
        case Not(part=part):
            inner = check_of(part, sight)
            return lambda run: not inner(run)
        case Every(parts=parts):
            all_of = [check_of(part, sight) for part in parts]
            return lambda run: all(check(run) for check in all_of)
        case Either(parts=parts):
            one_of = [check_of(part, sight) for part in parts]
            return lambda run: any(check(run) for check in one_of)
        case Term():
            return _of_term(question, sight)


def moment_of(term: Term, sight: Sight) -> Instant:
    """Return the moment that ``since`` or ``before`` names; a span that reaches beyond 1970 ends there."""
    if term.value in ("today", "yesterday"):
        day = to_datetime(sight.now).astimezone(ZoneInfo(sight.zone)).replace(hour=0, minute=0, second=0, microsecond=0)
        return to_instant(day if term.value == "today" else day - timedelta(days=1))
    try:
        return parse_past(term.value, sight.zone, now=sight.now)
    except ValueError:
        return 0


def is_pattern(term: Term) -> bool:
    return not term.is_literal and ("*" in term.value or "?" in term.value)


def duration_of(run: Run, now: Instant) -> Seconds | None:
    """Return how long a run took, or has been running."""
    if run.has_ended or run.started is None:
        return run.took
    return max(now - run.started, 0) / 1000


def waited_of(run: Run, now: Instant) -> Seconds | None:
    """Return how long a run waited from when it was due until it first started, or has been waiting; None for one that
    ended without a start."""
    first = next((attempt.started for attempt in run.attempts if attempt.started is not None), run.started)
    if first is None:
        if run.has_ended:
            return None
        first = now
    was_retried = run.message.retries > 0 or len(run.attempts) > 1  # then its eta is the one of the retry
    return max(first - (run.message.created if was_retried else run.message.due), 0) / 1000


def _of_term(term: Term, sight: Sight) -> Check:
    match term.field:
        case "":
            return _of_seen(_of_text(term.value, sight), sight)
        case "state":
            return _of_state(term, sight)
        case "task":
            fits = _fits(term)
            return lambda run: fits(run.message.task)
        case "queue":
            fits = _fits(term)
            return lambda run: fits(run.message.queue)
        case "schedule":
            fits = _fits(term)
            return lambda run: run.message.schedule is not None and fits(run.message.schedule)
        case "worker":
            fits = _fits(term)
            return lambda run: fits(run.worker) or any(fits(attempt.worker) for attempt in run.attempts)
        case "id":
            return lambda run: run.id.startswith(term.value)
        case "parent":
            return lambda run: run.message.parent == term.value
        case "root":
            return lambda run: run.message.root == term.value
        case "since":
            since = moment_of(term, sight)
            return lambda run: run.message.created >= since
        case "before":
            before = moment_of(term, sight)
            return lambda run: run.message.created < before
        case "error":
            wanted = term.value.casefold()
            return _of_seen(lambda run: wanted in _error_of(run).casefold(), sight)
        case "args":
            return _of_seen(_of_argument(term, sight), sight)
        case _:
            return _of_span(term, sight)


def _of_seen(check: Check, sight: Sight) -> Check:
    """Return a check of what may be seen of a run; most runs fail it as they are stored, which costs less to find."""
    return lambda run: check(run) and check(sight.contents.seen(run))


def _error_of(run: Run) -> str:
    return "" if run.error is None else _unmasked(f"{run.error.class_path}: {run.error.text}")


def _unmasked(text: str) -> str:
    return text.replace(MASK, HIDDEN)


def _of_state(term: Term, sight: Sight) -> Check:
    seen = None if term.is_literal else SEEN_STATES.get(term.value.upper())
    if seen is not None:
        return lambda run: shown_state(run, sight.now) == seen
    states = states_of(term)
    return lambda run: run.state in states


def _of_span(term: Term, sight: Sight) -> Check:
    bound = seconds_of(term.value) or 0.0
    measure = duration_of if term.field == "duration" else waited_of
    is_more = term.sign == ">"

    def check(run: Run) -> bool:
        took = measure(run, sight.now)
        return took is not None and (took > bound if is_more else took < bound)

    return check


def _of_argument(term: Term, sight: Sight) -> Check:
    first, *inner = term.path.split(".")
    fits = _fits(term)

    def check(run: Run) -> bool:
        found = sight.contents.named(run)
        if first in found:
            value = found[first]
        elif first.isdecimal() and int(first) < len(positional := sight.contents.positional(run)):
            value = positional[int(first)]
        else:
            return False
        for name in inner:
            if isinstance(value, dict) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            else:
                return False
        return fits(_unmasked(text_of(value)))

    return check


def _of_text(text: str, sight: Sight) -> Check:
    wanted = text.casefold()

    def check(run: Run) -> bool:
        message, error = run.message, run.error
        places = [message.task, run.id, message.queue, message.schedule or "", run.worker]
        if error is not None:
            places += [error.class_path, error.text]
        texts = ("\n".join(places), sight.contents.text(run))
        return any(wanted in _unmasked(text).casefold() for text in texts)

    return check


def _fits(term: Term) -> Callable[[str], bool]:
    if not is_pattern(term):
        return lambda text: text == term.value
    found = re.compile(translate(term.value.replace("[", "[[]")))
    return lambda text: found.match(text) is not None

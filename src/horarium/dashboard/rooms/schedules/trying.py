"""``/schedules/NAME/with``: run a schedule's task now with other arguments, as a run of it by hand. What is stored
stays as it is."""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import replace

from horarium import codec
from horarium.app.by_hand import fire_by_hand
from horarium.app.rows import Rows
from horarium.dashboard.ask import Ask, Done, Shown, part
from horarium.dashboard.calls import KINDS, MOST_CHARS, read_arguments
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.schedules.place import address, found, room
from horarium.errors import CodecError, InvalidArguments
from horarium.observe.redacted import shown_schedule
from horarium.observe.text import json_text
from horarium.redaction import MASK
from horarium.schedules.record import Schedule


@room.page("/schedules/{name}/with", role=Role.OPERATOR, live=False)
def run_form(ask: Ask) -> Shown:
    schedule = found(ask)
    return _form(schedule, _texts(ask, schedule), "")


@room.act("/schedules/{name}/with", role=Role.OPERATOR)
def run_with(ask: Ask) -> Done | Shown:
    """Raises: Unanswerable, NotRegistered."""
    schedule = Rows(ask.app).stored(found(ask).name)
    texts = {name: ask.given(name).strip() or example for name, example in (("args", "[]"), ("kwargs", "{}"))}
    try:
        wanted = replace(schedule, **_changed(texts, _texts(ask, schedule)))
        Rows(ask.app).require_sendable(wanted, now=ask.now)
    except (InvalidArguments, CodecError, ValueError) as error:
        return _form(schedule, texts, str(error))
    [message] = fire_by_hand(ask.app, [wanted], by=ask.person.name, now=ask.now)
    text = f"{schedule.name} was sent with these arguments: this is its run."
    return Done(text=text, to=f"/runs/{part(message.id)}", about=schedule.name, after={"run": message.id})


def _texts(ask: Ask, schedule: Schedule) -> dict[str, str]:
    """Return the arguments as they may be seen."""
    seen = shown_schedule(schedule, ask.app)
    return {name: json_text(getattr(seen, name), MOST_CHARS) for name in KINDS}


def _changed(texts: dict[str, str], seen: dict[str, str]) -> dict[str, Raw]:
    """Return what somebody has written; what nobody touched is sent as it is stored. Raises: ValueError, CodecError."""
    changed = {}
    for name in KINDS:
        text = texts[name]
        if text.split() == seen[name].split():  # browsers send other ends of lines
            continue
        if MASK in text:
            raise ValueError(f"expected {name} without {MASK}, which stands for what is not shown; type the value")
        changed[name] = Raw(codec.encode(read_arguments(name, text)))
    return changed


def _form(schedule: Schedule, texts: dict[str, str], trouble: str) -> Shown:
    context = {"schedule": schedule, "path": address(schedule.name), "texts": texts, "trouble": trouble}
    title, status = f"Run {schedule.name} with other arguments", 422 if trouble else 200
    return Shown(template="schedules/with.html", title=title, context=context, status=status)

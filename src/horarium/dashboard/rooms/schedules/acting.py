"""What people do to one schedule: run it now, pause, resume, skip one firing, bring back an earlier version, delete."""

from __future__ import annotations

from horarium.clock import LATEST, Instant
from horarium.dashboard.ask import Ask, Done, Unanswerable
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.schedules.place import address, found, plain, room
from horarium.errors import ScheduleConflict
from horarium.observe.moments import parse_moment, parse_span, zone_or_utc
from horarium.observe.schedule_words import shown
from horarium.schedules.record import Schedule
from horarium.schedules.versions import definition_before

REASON = 500  # characters


@room.act("/schedules/{name}/run", role=Role.OPERATOR)
def run_now(ask: Ask) -> Done:
    name = found(ask).name
    [handle] = ask.app.schedules.run_now(name, by=ask.person.name)
    return Done(text=f"{name} was sent; its run is {handle.id}", to=address(name), about=name, after={"run": handle.id})


@room.act("/schedules/{name}/pause", role=Role.OPERATOR)
def pause(ask: Ask) -> Done:
    before = found(ask)
    until = _until(ask, before)
    after = ask.app.schedules.pause(before.name, note=reason(ask), until=until, by=ask.person.name)
    words = "until it is resumed" if until is None else f"until {shown(after, until)}"
    return Done(text=f"{before.name} is paused {words}", to=address(before.name), about=before.name)


@room.act("/schedules/{name}/resume", role=Role.OPERATOR)
def resume(ask: Ask) -> Done:
    name = found(ask).name
    after = ask.app.schedules.resume(name, note=reason(ask), by=ask.person.name)
    coming = "" if after.next_fire is None else f"; it fires next at {shown(after, after.next_fire)}"
    return Done(text=f"{name} goes on{coming}", to=address(name), about=name)


@room.act("/schedules/{name}/skip", role=Role.OPERATOR)
def skip(ask: Ask) -> Done:
    name, at = found(ask).name, _instant(ask)
    after = ask.app.schedules.skip(name, at, note=reason(ask), by=ask.person.name)
    return Done(text=f"{name} will not fire at {shown(after, at)}", to=address(name), about=name, after={"at": at})


@room.act("/schedules/{name}/unskip", role=Role.OPERATOR)
def unskip(ask: Ask) -> Done:
    name, at = found(ask).name, _instant(ask)
    after = ask.app.schedules.unskip(name, at, note=reason(ask), by=ask.person.name)
    return Done(text=f"{name} will fire at {shown(after, at)}", to=address(name), about=name, after={"at": at})


@room.act("/schedules/{name}/restore", role=Role.EDITOR)
def restore(ask: Ask) -> Done:
    """Bring back what it was before one of its edits, as an edit of its own, if nobody has changed it since."""
    before = found(ask)
    require_editable(before)
    edit, version = _number(ask, "edit"), _number(ask, "version")
    keys = definition_before(before, edit)
    note = reason(ask) or f"back to before the edit of {shown(before, before.edits[edit].at)}"
    try:
        after = ask.app.schedules.update(before.name, version, by=ask.person.name, note=note, **keys)
    except ScheduleConflict as error:
        raise Unanswerable("conflict", f"Somebody has changed {before.name} meanwhile", hint=str(error)) from error
    text = f"{before.name} is what it was" if after != before else f"{before.name} was like that already"
    return Done(
        text=text, to=address(before.name), about=before.name, before=plain(ask, before), after=plain(ask, after)
    )


@room.act("/schedules/{name}/delete", role=Role.EDITOR)
def delete(ask: Ask) -> Done:
    before = found(ask)
    if before.owner != "person":
        hint = f"It is defined by {before.definer}; remove it there. To keep it from firing, pause it."
        raise Unanswerable("refused", f"{before.name} is not deleted here", hint=hint)
    ask.app.schedules.delete(before.name)
    to = "/schedules" if before.backfill is None else address(before.backfill.of)
    return Done(
        text=f"{before.name} is deleted; its runs are kept", to=to, about=before.name, before=plain(ask, before)
    )


def require_editable(schedule: Schedule) -> None:
    """Raises: Unanswerable for what is not edited here: rows of a framework's tables, and backfills."""
    if schedule.owner == "table":
        raise Unanswerable(
            "refused",
            f"{schedule.name} is a row of {schedule.definer}",
            hint="Edit it where it is: in Django's admin, under Periodic tasks.",
        )
    if schedule.backfill is not None:
        raise Unanswerable("refused", "A backfill is not edited", hint="Delete it and make another one.")


def reason(ask: Ask) -> str:
    """Return why somebody does something, as far as it is kept."""
    return " ".join(ask.given("reason").split())[:REASON]


def _until(ask: Ask, schedule: Schedule) -> Instant | None:
    text = ask.given("until").strip()
    if not text:
        return None
    try:
        return ask.now + round(parse_span(text) * 1000)
    except ValueError:
        pass  # no span: then it is a moment
    try:
        return parse_moment(text, zone_or_utc(schedule.timezone))
    except ValueError as error:
        raise Unanswerable(
            "wrong",
            f"expected the end of the pause to be such as 2h or 2027-03-28T02:30, got {text[:60]!r}",
            hint=f"A moment without an offset is meant in {schedule.timezone}. Nothing was changed.",
        ) from error


def _instant(ask: Ask) -> Instant:
    at = _number(ask, "at")
    if at > LATEST:
        raise Unanswerable("wrong", f"expected an instant up to the year 9998, got {at}")
    return at


def _number(ask: Ask, name: str) -> int:
    text = ask.given(name)
    if not (text.isdecimal() and text.isascii() and len(text) < 16):
        raise Unanswerable("wrong", f"expected {name} to be a number, got {text[:40] or 'nothing'}")
    return int(text)

"""Keep schedules from firing, all of them or one firing: ``pause resume skip unskip move delete``."""

from __future__ import annotations

from collections.abc import Callable

import click

from horarium.cli.commands.schedules.words import (
    all_named,
    coming_moment,
    known,
    moment,
    named,
    require_known,
    require_store,
    row,
)
from horarium.cli.options import JSON, Command, option
from horarium.cli.session import Session
from horarium.observe.redacted import shown_schedule
from horarium.observe.schedule_words import shown
from horarium.schedules.record import Schedule

NOTE = option("--note", default="", help="Why, for whoever looks at it later.")


@click.command("pause", cls=Command)
@all_named
@NOTE
@option("--until", metavar="WHEN", help="Go on by itself then: a moment in the schedule's zone, or 90s 5m 2h 1d.")
@JSON
@click.pass_obj
def pause(session: Session, names: tuple[str, ...], note: str, until: str | None, as_json: bool) -> None:
    """Stop schedules from firing, until `resume`. A pause survives restarts and deployments."""

    def paused(name: str) -> Schedule:
        end = None
        if until is not None:
            end = coming_moment(until, known(session, name).timezone, session.app.engine.now(), option="--until")
        return session.app.schedules.pause(name, note=note, until=end)

    _each(session, names, paused, "paused", as_json=as_json)


@click.command("resume", cls=Command)
@all_named
@NOTE
@JSON
@click.pass_obj
def resume(session: Session, names: tuple[str, ...], note: str, as_json: bool) -> None:
    """Let schedules fire again. What was due in the meantime is skipped."""
    _each(session, names, lambda name: session.app.schedules.resume(name, note=note), "resumed", as_json=as_json)


@click.command("skip", cls=Command)
@named
@click.argument("instants", metavar="WHEN...", nargs=-1, required=True)
@NOTE
@JSON
@click.pass_obj
def skip(session: Session, name: str, instants: tuple[str, ...], note: str, as_json: bool) -> None:
    """Let single firings of NAME not happen. WHEN: as `next` shows them, in the schedule's zone or with an offset."""
    for text in instants:
        at = moment(text, known(session, name).timezone, option="WHEN")
        changed = session.app.schedules.skip(name, at, note=note)
        _tell(session, f"{name} will not fire at {shown(changed, at)}", as_json=as_json)
    _show(session, name, as_json=as_json)


@click.command("unskip", cls=Command)
@named
@click.argument("instants", metavar="WHEN...", nargs=-1, required=True)
@NOTE
@JSON
@click.pass_obj
def unskip(session: Session, name: str, instants: tuple[str, ...], note: str, as_json: bool) -> None:
    """Let single firings of NAME that were skipped happen after all."""
    for text in instants:
        at = moment(text, known(session, name).timezone, option="WHEN")
        changed = session.app.schedules.unskip(name, at, note=note)
        _tell(session, f"{name} will fire at {shown(changed, at)}", as_json=as_json)
    _show(session, name, as_json=as_json)


@click.command("move", cls=Command)
@named
@click.argument("instant", metavar="WHEN")
@click.argument("to", metavar="TO")
@NOTE
@JSON
@click.pass_obj
def move(session: Session, name: str, instant: str, to: str, note: str, as_json: bool) -> None:
    """Let the firing of NAME at WHEN happen at TO instead."""
    zone = known(session, name).timezone
    at, then = moment(instant, zone, option="WHEN"), moment(to, zone, option="TO")
    changed = session.app.schedules.move(name, at, then, note=note)
    _tell(session, f"{name} will fire at {shown(changed, then)} instead of {shown(changed, at)}", as_json=as_json)
    _show(session, name, as_json=as_json)


@click.command("delete", cls=Command)
@all_named
@option("--take-over", is_flag=True, help="Also what code defines; if it still does, it comes back.")
@JSON
@click.pass_obj
def delete(session: Session, names: tuple[str, ...], take_over: bool, as_json: bool) -> None:
    """Remove schedules and their backfills. A backfill that is removed sends nothing more. What was sent stays."""
    require_store(session)  # what only the code knows cannot be removed
    session.app.schedules.delete(*names, take_over=take_over)
    if as_json:
        session.out.document([{"name": name, "deleted": True} for name in names])
        return
    for name in names:
        session.out.row(f"{name} deleted")


def _each(
    session: Session, names: tuple[str, ...], edit: Callable[[str], Schedule], word: str, *, as_json: bool
) -> None:
    require_known(session, names)
    changed = [edit(name) for name in names]
    if as_json:
        now = session.app.now()
        session.out.document([row(shown_schedule(schedule, session.app), now) for schedule in changed])
        return
    for schedule in changed:
        session.out.row(f"{schedule.name} {word}")


def _tell(session: Session, text: str, *, as_json: bool) -> None:
    if not as_json:
        session.out.row(text)


def _show(session: Session, name: str, *, as_json: bool) -> None:
    if as_json:
        session.out.document(row(shown_schedule(known(session, name), session.app), session.app.now()))

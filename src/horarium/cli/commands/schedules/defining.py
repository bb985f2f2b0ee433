"""Schedules that people define: ``create edit``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

import click

from horarium.cli.commands.schedules.specs import SPEC_OPTIONS, read_spec
from horarium.cli.commands.schedules.words import known, moment, named, row
from horarium.cli.options import JSON, Command, json_list, json_object, option, seconds
from horarium.cli.session import Session
from horarium.clock import to_datetime
from horarium.observe.redacted import shown_schedule
from horarium.schedules.record import Align, Catchup, DstFold, DstGap, Overlap, Schedule

F = TypeVar("F", bound=Callable[..., Any])

# Options that are keys of an entry as they are; those of the messages become its ``options``.
_KEYS = (
    option("--timezone", "--zone", "timezone", metavar="ZONE", help="The IANA zone that is meant. Default: the app's."),
    option("--start", metavar="WHEN", help="No firing before: a moment in that zone, or with an offset."),
    option("--end", metavar="WHEN", help="No firing after."),
    option("--one-off/--not-one-off", default=None, help="Fire once, then no more."),
    option("--max-runs", type=click.IntRange(1), help="Fire so many times, then no more."),
    option("--enabled/--disabled", default=None, help="Whether it fires at all."),
    option("--dst-gap", type=click.Choice(get_args(DstGap)), help="What becomes of a time that the clocks leave out."),
    option("--dst-fold", type=click.Choice(get_args(DstFold)), help="Which pass of a time that comes twice fires."),
    option("--catchup", type=click.Choice(get_args(Catchup)), help="Which of the missed instants are fired."),
    option("--catchup-window", type=seconds, metavar="SPAN", help="What was missed longer ago is not fired."),
    option("--catchup-limit", type=click.IntRange(1), help="Of all that were missed, fire the newest so many."),
    option("--catchup-spacing", type=seconds, metavar="SPAN", help="So far apart they may start."),
    option("--align", type=click.Choice(get_args(Align)), help="What an interval counts from."),
    option(
        "--overlap",
        type=click.Choice(get_args(Overlap)),
        help="What becomes of a firing while runs are active.",
    ),
    option("--max-active", type=click.IntRange(1), help="So many runs may be active before that."),
    option("--jitter", type=seconds, metavar="SPAN", help="Each firing may start up to so much later."),
    option("--spread", type=seconds, metavar="SPAN", help="The whole schedule is later by up to so much."),
    option("--grace", type=seconds, metavar="SPAN", help="So long after its due time it is not late."),
    option("--pause-after", type=click.IntRange(1), help="So many failures in a row pause it."),
    option("--description", help="What it is for."),
)
_SENT = (
    option("-Q", "--queue", help="Put its messages into this queue."),
    option("--priority", type=click.IntRange(0, 9), help="0 (last) to 9 (first)."),
    option("--expires", type=seconds, metavar="SPAN", help="Not started later than so long after the due instant."),
    option("--time-limit", type=seconds, metavar="SPAN", help="End it after so long."),
    option("--soft-time-limit", type=seconds, metavar="SPAN", help="Tell it to end after so long."),
    option("--ignore-result/--keep-result", default=None, help="Whether its result is stored."),
    option("--options", type=json_object, metavar="JSON", help="Other options of apply_async, a JSON object."),
)
_SENT_NAMES = "queue priority expires time_limit soft_time_limit ignore_result".split()
_UNSET = tuple(
    "timezone start end max_runs catchup_window grace pause_after description jitter spread queue priority expires "
    "time_limit soft_time_limit".split()
)


def describing(function: F) -> F:
    """Declare all that can be said about a schedule besides its name and task."""
    for declare in reversed((*SPEC_OPTIONS, *_KEYS, *_SENT)):
        function = declare(function)
    return function


@click.command("create", cls=Command)
@named
@click.argument("task")
@option("-a", "--args", type=json_list, metavar="JSON", help="Arguments, a JSON list.")
@option("-k", "--kwargs", type=json_object, metavar="JSON", help="A JSON object.")
@describing
@option("--note", default="", help="Why, for whoever looks at it later.")
@JSON
@click.pass_obj
def create(
    session: Session,
    /,
    name: str,
    task: str,
    args: list[Any] | None,  # Any: JSON
    kwargs: dict[str, Any] | None,
    note: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Store a new schedule NAME that sends TASK. It is yours: no deployment changes or removes it.

    One of --crontab --cron --every --at ... says when it fires.
    """
    zone = given["timezone"] or session.app.conf.timezone
    spec = read_spec(given, zone)
    if spec is None:
        raise click.UsageError("expected one option that says when it fires, such as --crontab '0 6 * * 1', got none")
    keys = _entry(given, zone) | {"options": _sent(given)}
    made = session.app.schedules.create(name, task, spec, args or (), kwargs, note=note, **keys)
    _tell(session, made, "created", as_json=as_json)


@click.command("edit", cls=Command)
@named
@option("--task", help="Send this task.")
@option("-a", "--args", type=json_list, metavar="JSON", help="Arguments, a JSON list.")
@option("-k", "--kwargs", type=json_object, metavar="JSON", help="A JSON object.")
@describing
@option("--unset", type=click.Choice(_UNSET), multiple=True, help="Let this be as it is by default. May be repeated.")
@option("--if-version", type=int, metavar="NUMBER", help="Only if it has this version (see `show --json`).")
@option("--take-over", is_flag=True, help="Also what code defines: from then on it is a person's, and code leaves it.")
@option("--note", default="", help="Why, for whoever looks at it later.")
@JSON
@click.pass_obj
def edit(
    session: Session,
    /,
    name: str,
    task: str | None,
    args: list[Any] | None,
    kwargs: dict[str, Any] | None,
    unset: tuple[str, ...],
    if_version: int | None,
    take_over: bool,
    note: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Change the schedule NAME: what is given, and nothing else. It goes on from now; nothing is fired for the past."""
    schedule = known(session, name)
    zone = given["timezone"] or schedule.timezone
    keys = _entry(given, zone) | {key: None for key in unset if key not in _SENT_NAMES}
    keys |= {key: value for key, value in (("task", task), ("args", args), ("kwargs", kwargs)) if value is not None}
    spec = read_spec(given, zone)
    if spec is not None:
        keys["schedule"] = spec
    sent = _sent(given)
    if sent or any(key in _SENT_NAMES for key in unset):
        keys["options"] = {key: value for key, value in (schedule.options | sent).items() if key not in unset}
    if not keys and not take_over:
        raise click.UsageError("expected something to change, got no option; see `horarium schedules edit --help`")
    changed = session.app.schedules.update(name, if_version, note=note, take_over=take_over, **keys)
    _tell(session, changed, "is as it was" if changed == schedule else "changed", as_json=as_json)


def _entry(given: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """Return the keys of an entry that were given."""
    names = [each for each in _names(_KEYS) if given[each] is not None]
    keys = {name: given[name] for name in names}
    for name in ("start", "end"):
        if name in keys:
            keys[name] = to_datetime(moment(keys[name], zone, option=f"--{name}"))
    return keys


def _sent(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the messages that were given."""
    named = {name: given[name] for name in _SENT_NAMES if given[name] is not None}
    return {**(given["options"] or {}), **named}


def _names(declarations: tuple[Callable[[F], F], ...]) -> list[str]:
    """Return the parameters' names that options declare."""

    def probe() -> None: ...

    for declare in declarations:
        declare(probe)  # type: ignore[arg-type]  # click keeps the options on whatever it decorates
    return [parameter.name for parameter in getattr(probe, "__click_params__", [])]


def _tell(session: Session, schedule: Schedule, word: str, *, as_json: bool) -> None:
    if as_json:
        session.out.document(
            row(shown_schedule(schedule, session.app), session.app.now()) | {"version": schedule.version}
        )
    else:
        session.out.row(f"{schedule.name} {word}")

"""``horarium events``: what workers tell, as it happens: a screen, lines of text, or snapshots for a program."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from horarium.cli.exits import Exit, Stop
from horarium.cli.fullscreen import watch_of
from horarium.cli.leftovers import Leftover, leftovers
from horarium.cli.options import Command, log_level, option, seconds
from horarium.cli.session import Session

if TYPE_CHECKING:
    from horarium.app.camera import Polaroid

NO_DETACH = "it stays in the foreground; let systemd, supervisor or a container look after it"
EVENTS = (
    Leftover(("--detach",), NO_DETACH, takes_value=False),
    Leftover(("--pidfile",), NO_DETACH),
    Leftover(("--uid",), NO_DETACH),
    Leftover(("--gid",), NO_DETACH),
    Leftover(("--umask",), NO_DETACH),
)


@click.command("events", cls=Command)
@option("-d", "--dump", is_flag=True, help="Write each event as a line.")
@option("-c", "--camera", metavar="MODULE.CLASS", help="Hand snapshots to this class (see Polaroid).")
@option("-F", "--frequency", "--freq", "freq", type=seconds, default=1.0, show_default=True, help="Between snapshots.")
@option("-r", "--maxrate", metavar="RATE", help="No more snapshots than so many, such as 10/m.")
@option("-l", "--loglevel", type=log_level, default="WARNING", show_default=True, metavar="LEVEL", help="In any case.")
@option("--limit", type=click.IntRange(1), help="End after so many events (with --dump).")
@option("--timeout", type=seconds, help="End when none came for so long (with --dump).")
@leftovers(EVENTS)
@click.pass_obj
def command(
    session: Session,
    dump: bool,
    camera: str | None,
    freq: float,
    maxrate: str | None,
    loglevel: str,
    limit: int | None,
    timeout: float | None,
) -> int:
    """Watch events. Workers tell those of tasks with -E, or after `horarium control enable_events`.

    Without --dump or --camera: a full-screen view of tasks and workers (needs the extra `tui`).
    """
    _ = session.engine  # whoever only watches makes no store
    if dump:
        return _dump(session, limit, timeout)
    if camera:
        return _photograph(session, camera, freq, maxrate, loglevel)
    return watch_of("horarium.cli.screen", instead="or see events as lines: horarium events --dump")(session.app)


def _dump(session: Session, limit: int | None, timeout: float | None) -> int:
    from horarium.app.dumper import Dumper

    session.out.say("-> evdump: starting capture...")
    dumper = Dumper(session.out.data)
    try:
        session.app.events.Receiver(handlers={"*": dumper.on_event}).capture(limit=limit, timeout=timeout)
    except TimeoutError:
        return Exit.TIMED_OUT
    except KeyboardInterrupt:
        pass
    return Exit.OK


def _photograph(session: Session, camera: str, freq: float, maxrate: str | None, loglevel: str) -> int:
    from horarium.observe import logs

    logs.configure(loglevel, session.app.conf)
    state = session.app.events.State()
    session.out.say(f"-> evcam: Taking snapshots with {camera} (every {freq:g} secs.)")
    receiver = session.app.events.Receiver(handlers={"*": state.event})
    made: Polaroid = _camera(camera)(state, freq=freq, maxrate=maxrate, app=session.app)
    with made:
        try:
            for _ in receiver.itercapture():
                if made.error is not None:
                    raise Stop(f"{camera}: {type(made.error).__name__}: {made.error}", Exit.FAILED)
        except KeyboardInterrupt:
            pass
    return Exit.OK


def _camera(path: str) -> Callable[..., Any]:
    module, _, name = path.replace(":", ".").rpartition(".")
    try:
        found: Callable[..., Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise click.BadParameter(f"expected the path of a class, such as shop.cameras.Dump, got {path!r}") from error
    return found

"""``horarium migrate SRC DST``: from one store to another, live; nothing is lost, whenever it is stopped or killed."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from horarium.cli.exits import Exit, Stop
from horarium.cli.leftovers import Leftover, leftovers
from horarium.cli.options import JSON, Command, names, option, seconds
from horarium.cli.output import Output
from horarium.cli.session import Session
from horarium.clock import Seconds, SystemClock
from horarium.errors import EngineUnavailable
from horarium.observe.finding import plural

if TYPE_CHECKING:
    from horarium.engines.protocol import Engine
    from horarium.transfer.journey import Progress
    from horarium.transfer.messages import Left

MIGRATE = (Leftover(("-a", "--ack-messages"), "a message that has moved is always gone from SRC", takes_value=False),)
LINE_EVERY: Seconds = 5.0  # where there is no terminal


@click.command("migrate", cls=Command)
@click.argument("source", metavar="SRC")
@click.argument("target", metavar="DST")
@option("-n", "--limit", type=click.IntRange(1), help="Move no more than so many messages.")
@option("-t", "--timeout", type=seconds, help="Wait no longer for messages that come due within a minute.")
@option("-T", "--tasks", type=names, metavar="A,B", help="Only messages of these tasks.")
@option("-Q", "--queues", type=names, metavar="A,B:C", help="Only these queues; those of B go into queue C.")
@option("-F", "--forever", is_flag=True, help="Go on moving what is put into SRC, until it is stopped.")
@option("--schedules", is_flag=True, help="Move schedules too: they are paused in SRC, and go on in DST.")
@option("--results", is_flag=True, help="Copy kept runs too.")
@option("--keep", type=seconds, default=86_400.0, show_default=True, help="How long DST keeps the copied runs.")
@option("--dry-run", is_flag=True, help="Only count.")
@leftovers(MIGRATE)
@JSON
@click.pass_obj
def command(
    session: Session,
    source: str,
    target: str,
    limit: int | None,
    timeout: float | None,
    tasks: tuple[str, ...] | None,
    queues: tuple[str, ...] | None,
    forever: bool,
    schedules: bool,
    results: bool,
    keep: float,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Move what waits in the store SRC to the store DST, both given as URLs, while workers and callers use them.

    What is in hand of a worker of SRC stays and ends there. First let callers and new workers use DST, then call this;
    killed at any moment it loses nothing, and called again it goes on.
    """
    from horarium.transfer.journey import Journey, Progress, Wanted
    from horarium.transfer.messages import Mover

    wanted = Wanted(
        chosen=_chosen(queues, tasks),
        limit=limit,
        timeout=timeout,
        forever=forever,
        schedules=schedules,
        results=results,
        keep=keep,
    )
    origin = _opened(source, "SRC", must_exist=True)
    if dry_run:
        left = Mover(origin, origin, wanted.chosen).left()
        _report(session.out, Progress(left=left), as_json=as_json, moved=False)
        return Exit.OK
    goal = _opened(target, "DST", must_exist=False)
    if _is_same(origin, goal):
        raise click.UsageError(f"expected two stores, got {origin.url} twice")
    bar = Bar(session.out)
    journey = Journey(origin, goal, wanted, SystemClock(), told=bar.show)
    before = {number: signal.signal(number, lambda *_: journey.stop()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        progress = journey.run()
    except EngineUnavailable as error:
        again = "nothing is lost: call it again when the store is back, and it goes on"
        raise Stop(str(error), Exit.UNAVAILABLE, hints=[again]) from error
    finally:
        bar.close()
        for number, handler in before.items():
            signal.signal(number, handler)
        origin.close()
        goal.close()
    _report(session.out, progress, as_json=as_json, moved=True)
    return Exit.OK


class Bar:
    """Shows progress on stderr: one line that changes on a terminal, a line every few seconds elsewhere."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._is_live = sys.stderr.isatty() and not out.quiet
        self._told_at = float("-inf")
        self._was_shown = False

    def show(self, progress: Progress) -> None:
        now = SystemClock().monotonic()
        if self._is_live:
            click.echo(f"\r\033[K{_said(progress)}", nl=False, err=True)
            self._was_shown = True
        elif now - self._told_at >= LINE_EVERY:
            self._told_at = now
            self._out.say(_said(progress))

    def close(self) -> None:
        if self._was_shown:
            click.echo(err=True)


def _said(progress: Progress) -> str:
    parts = [f"{plural(progress.messages, 'message')} moved"]
    if progress.schedules or progress.schedules_known:
        parts.append(f"{plural(progress.schedules, 'schedule')} moved")
    if progress.results:
        parts.append(f"{plural(progress.results, 'run')} copied")
    if progress.left is not None and progress.left.waiting:
        parts.append(f"{progress.left.waiting} wait to come due")
    return ", ".join(parts)


def _report(out: Output, progress: Progress, *, as_json: bool, moved: bool) -> None:
    left = progress.left
    assert left is not None  # it has ended
    if as_json:
        out.document(
            {
                "messages": progress.messages,
                "schedules": progress.schedules,
                "schedules_known": progress.schedules_known,
                "results": progress.results,
                "waiting": left.waiting,
                "in_hand": left.in_hand,
            }
        )
        return
    if moved:
        out.data(_said(msgspec.structs.replace(progress, left=None)))
        if progress.schedules_known:
            out.data(f"{plural(progress.schedules_known, 'schedule')} known in DST: left as they are there")
    out.data(f"{plural(left.waiting, 'message')} {'left waiting' if moved else 'would move'} in SRC")
    _tell_in_hand(out, left)
    if not moved:
        out.say("nothing was changed")


def _tell_in_hand(out: Output, left: Left) -> None:
    if left.in_hand:
        out.data(f"{plural(left.in_hand, 'message')} in hand of workers of SRC: they end there")


def _chosen(queues: tuple[str, ...] | None, tasks: tuple[str, ...] | None) -> Any:
    from horarium.transfer.messages import Chosen

    renamed = {}
    plain = []
    for text in queues or ():
        name, _, new = text.partition(":")
        plain.append(name)
        if new:
            renamed[name] = new
    return Chosen(queues=tuple(plain), tasks=tasks or (), renamed=renamed)


def _opened(url: str, name: str, *, must_exist: bool) -> Engine:
    from horarium.address import read_store
    from horarium.engines.connect import absent_file, connect

    try:
        url = read_store(url)
    except ValueError as error:
        raise click.UsageError(f"expected {name} to be the URL of a store: {error}") from error
    if must_exist and (path := absent_file(url)):
        raise click.UsageError(f"expected {name} to be a store that is there, there is no file {path.absolute()}")
    engine = connect(url)
    if not engine.capabilities.shared:
        raise click.UsageError(f"expected {name} to be a store that processes can share, got {engine.url}")
    engine.check()
    return engine


def _is_same(one: Engine, other: Engine) -> bool:
    return one.url == other.url

"""``horarium purge``: cancel what waits. It asks first, and without a terminal to ask on it refuses."""

from __future__ import annotations

import sys

import click

from horarium.cli.exits import Exit, Stop
from horarium.cli.options import JSON, Command, names, option
from horarium.cli.session import Session
from horarium.engines.records import Purge
from horarium.observe.finding import plural


@click.command("purge", cls=Command)
@option("-f", "--force", is_flag=True, help="Do not ask.")
@option("-Q", "--queues", type=names, metavar="A,B", help="Only these queues.")
@option("-X", "--exclude-queues", type=names, metavar="A,B", help="All queues but these.")
@JSON
@click.pass_obj
def command(
    session: Session,
    force: bool,
    queues: tuple[str, ...] | None,
    exclude_queues: tuple[str, ...] | None,
    as_json: bool,
) -> int:
    """Cancel every message that waits, now or for its eta; what is running goes on. Runs end as REVOKED."""
    engine, out = session.engine, session.out
    counts = engine.inspector.counts(most=0).queues
    chosen = sorted(set(queues or counts) - set(exclude_queues or ()))
    waiting = sum(counts[name].ready + counts[name].scheduled for name in chosen if name in counts)
    if not force:
        if not waiting:
            out.document({"purged": 0, "queues": chosen}) if as_json else out.say("there is nothing to cancel")
            return Exit.OK
        _ask(chosen, waiting)
    everything = queues is None and not exclude_queues
    changed = engine.inspector.act(Purge(queues=None if everything else tuple(chosen)), now=engine.now())
    if as_json:
        out.document({"purged": len(changed), "queues": chosen})
    else:
        out.data(f"{plural(len(changed), 'message')} cancelled")
    return Exit.OK


def _ask(queues: list[str], waiting: int) -> None:
    what = f"{plural(waiting, 'waiting message')} of {plural(len(queues), 'queue')} ({', '.join(queues) or 'none'})"
    if not sys.stdin.isatty():
        raise Stop(
            f"purge would cancel {what}; there is no terminal to ask on",
            Exit.REFUSED,
            hints=["to do it without asking: add -f"],
        )
    if not click.confirm(f"Cancel {what}?", err=True):
        raise Stop("nothing was changed", Exit.REFUSED)

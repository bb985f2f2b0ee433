"""``horarium call``: send a task, from a shell or another program."""

from __future__ import annotations

from typing import Any

import click

from horarium.cli import following
from horarium.cli.commands.result import asked_for, show_ended
from horarium.cli.exits import Exit, Stop
from horarium.cli.leftovers import Leftover, leftovers
from horarium.cli.options import JSON, Command, json_list, json_object, nearest, option, seconds
from horarium.cli.session import Session
from horarium.clock import Seconds, to_datetime
from horarium.observe.doctor import SHARED_INSTEAD, store_is_private
from horarium.observe.document import run_document
from horarium.observe.finding import plural
from horarium.observe.moments import parse_moment, zone_or_utc
from horarium.outcome import Run

WAIT: Seconds = 10.0
CALL = (Leftover(("--exchange",), "there are no exchanges; name the queue with -Q"),)


@click.command("call", cls=Command)
@click.argument("name")
@option("-a", "--args", type=json_list, default=[], metavar="JSON", help="Arguments, a JSON list.")
@option("-k", "--kwargs", type=json_object, default={}, metavar="JSON", help="A JSON object.")
@option("--eta", metavar="MOMENT", help="Not before this moment (ISO 8601; without an offset, in the app's zone).")
@option("--countdown", type=seconds, help="Not before so many seconds from now (90, 5m, 2h).")
@option("--expires", metavar="WHEN", help="Not started later than this: seconds from now, or a moment.")
@option("-Q", "--queue", help="Put it into this queue.")
@option("--priority", type=click.IntRange(0, 9), help="0 (last) to 9 (first).")
@option("--serializer", metavar="json", help="json, the only one; Celery's others are refused.")
@option("--routing-key", metavar="QUEUE", help="Celery's way to name a queue; -Q wins.")
@leftovers(CALL)
@option("--wait", is_flag=True, help="Wait for the end and print the result instead of the id.")
@option("--follow", is_flag=True, help="Tell how far it is, and what it logs, until it ends; then print the result.")
@option("--timeout", type=seconds, help="Wait or follow no longer. [default: 10 with --wait]")
@option("--force", is_flag=True, help="Send it though nobody knows the task yet.")
@JSON
@click.pass_obj
def command(
    session: Session,
    name: str,
    args: list[Any],  # Any: JSON
    kwargs: dict[str, Any],
    eta: str | None,
    countdown: float | None,
    expires: str | None,
    queue: str | None,
    priority: int | None,
    serializer: str | None,
    routing_key: str | None,
    wait: bool,
    follow: bool,
    timeout: float | None,
    force: bool,
    as_json: bool,
) -> int:
    """Send the task NAME and print the id of its run.

    The task need not be importable here: it is enough that a live worker knows it.
    """
    if eta is not None and countdown is not None:
        raise click.UsageError("expected --eta or --countdown, got both")
    if serializer not in (None, "json"):
        raise click.UsageError(
            f"expected --serializer json, got {serializer}: arguments travel as JSON, see docs/reference/values.md"
        )
    app = session.app
    engine = app.engine  # made, if there is none yet
    if not engine.capabilities.shared:
        raise Stop(f"nothing was sent: {store_is_private(engine.url)}", Exit.REFUSED, hints=[SHARED_INSTEAD])
    if not force:
        _require_known(session, name)
    zone = zone_or_utc(app.conf.timezone)
    options = {
        "eta": to_datetime(_moment("--eta", eta, zone)) if eta is not None else None,
        "countdown": countdown,
        "expires": _expiry(expires, zone) if expires is not None else None,
        "queue": queue or routing_key,
        "priority": priority,
    }
    handle = app.send_task(name, args, kwargs, **{key: value for key, value in options.items() if value is not None})
    if not (wait or follow):
        session.out.document({"id": handle.id}) if as_json else session.out.data(handle.id)
        return Exit.OK
    session.out.say(handle.id)
    if follow:
        run: Run | None = following.follow(session, handle.id, timeout=timeout)
    else:
        handle.get(timeout=WAIT if timeout is None else timeout, propagate=False)
        [run] = engine.results.read([handle.id])
    if run is None:
        raise Stop(f"run {handle.id} was removed before its result was read", Exit.NOT_FOUND)
    if as_json:
        session.out.document(run_document(asked_for(session, run)))
        return Exit.OK if run.state == "SUCCESS" else Exit.FAILED
    return show_ended(session, run)


def _require_known(session: Session, name: str) -> None:
    app, engine = session.app, session.app.engine
    if name in app.tasks:
        return
    members = [m.member for m in engine.inspector.workers(now=engine.now()) if m.alive]
    live = {task for member in members for task in member.tasks}
    if name in live:
        return
    workers = sum(member.kind == "worker" for member in members)
    near = nearest(name, [*app.tasks, *live])
    raise Stop(
        f"no task {name!r} is known by the app{_nor_by(workers)}",
        Exit.NOT_FOUND,
        hints=[
            *([f"did you mean: {near}"] if near else []),
            "to queue it anyway (a worker deployed later may know it): add --force",
        ],
    )


def _nor_by(workers: int) -> str:
    return f" or registered by any of {plural(workers, 'live worker')}" if workers else ", and no worker is alive"


def _moment(name: str, text: str, zone: str) -> int:
    try:
        return parse_moment(text, zone)
    except ValueError as error:
        raise click.UsageError(
            f"expected {name} to be a moment such as 2027-03-28T02:30 or 2027-03-28T02:30+01:00, got {text!r} ({error})"
        ) from error


def _expiry(text: str, zone: str) -> Any:  # seconds or a datetime, as apply_async takes them
    try:
        return seconds(text)
    except click.UsageError:
        return to_datetime(_moment("--expires", text, zone))

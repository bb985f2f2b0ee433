"""``horarium alerts``: what is wrong and who was told, silences, a test of the channels, and a watcher of its own."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from horarium.app.person import named
from horarium.cli.exits import Exit, Stop
from horarium.cli.options import JSON, Command, Group, log_level, option, seconds
from horarium.cli.output import Column
from horarium.cli.session import Session
from horarium.clock import milliseconds

if TYPE_CHECKING:
    from horarium.alerts.book import Incident

INCIDENTS = (
    Column("phase", "STATE"),
    Column("rule", "RULE"),
    Column("subject", "ABOUT"),
    Column("since", "SINCE", "instant"),
    Column("quiet", "NOT TOLD"),
    Column("text", "WHY"),
)
RULES = (
    Column("rule", "RULE"),
    Column("after", "AFTER", "seconds"),
    Column("channels", "CHANNELS"),
    Column("names", "ONLY"),
    Column("doc", "WHAT IT IS ABOUT"),
)
DELIVERIES = (
    Column("at", "AT", "instant"),
    Column("channel", "CHANNEL"),
    Column("outcome", "OUTCOME"),
    Column("number", "TRY"),
    Column("title", "MESSAGE"),
    Column("trouble", "WHY NOT"),
)
SILENCES = (
    Column("id", "ID"),
    Column("rule", "RULE"),
    Column("subject", "ABOUT"),
    Column("until", "UNTIL", "instant"),
    Column("by", "BY"),
    Column("reason", "WHY"),
)
ALL = option("--all", "with_all", is_flag=True, help="Also what stands by, and what has recovered lately.")
BY = option("--by", default=None, metavar="WHO", help="Who. [default: this user]")


@click.group("alerts", cls=Group)
def command() -> None:
    """What is wrong, and who is told."""


@command.command("list", cls=Command)
@ALL
@JSON
@click.pass_obj
def show(session: Session, with_all: bool, as_json: bool) -> None:
    """List what fires now. Workers and schedulers watch, if the setting `alerts` names a channel."""
    from horarium.alerts import shelf

    engine = session.engine
    session.show_times_of_app()
    now = engine.now()
    incidents = shelf.read_incidents(engine, now=now)
    if with_all:
        shown = [*incidents, *shelf.read_book(engine, now=now).recent]
    else:
        shown = [each for each in incidents if each.phase == "firing"]
    session.out.table(INCIDENTS, [_row(each) for each in shown], as_json=as_json, empty="nothing fires")
    if session.app.conf.alerts is None:
        session.out.say("note: nobody is told of anything: the setting alerts names no channel")
    elif not shelf.read_watchers(engine, now=now):
        session.out.say(f"note: nobody watches; workers and schedulers do, or `{session.command} alerts run`")


@command.command("rules", cls=Command)
@JSON
@click.pass_obj
def rules(session: Session, as_json: bool) -> None:
    """List the rules, and whom each one tells after how long."""
    from horarium.alerting import KNOWN

    alerting = session.app.conf.alerts
    rows = []
    for known in KNOWN:
        said = None if alerting is None else alerting.rule(known.name)
        rows.append(
            {
                "rule": known.name,
                "after": known.after if alerting is None else alerting.after(known.name),
                "channels": [] if alerting is None or said is None else list(alerting.channels_of(known.name)),
                "names": [] if said is None else list(said.names),
                "doc": known.doc,
            }
        )
    session.out.table(RULES, rows, as_json=as_json)


@command.command("log", cls=Command)
@JSON
@click.pass_obj
def log(session: Session, as_json: bool) -> None:
    """List what was sent, the newest first: the last 200 tries of a week."""
    from horarium.alerts import shelf

    engine = session.engine
    session.show_times_of_app()
    rows = [
        {
            "at": each.at,
            "channel": each.channel,
            "outcome": each.outcome,
            "number": each.number,
            "title": each.title,
            "trouble": each.trouble,
        }
        for each in shelf.read_log(engine, now=engine.now())
    ]
    session.out.table(DELIVERIES, rows, as_json=as_json, empty="nothing was sent")


@command.command("test", cls=Command)
@click.argument("channels", metavar="[CHANNEL]...", nargs=-1)
@JSON
@click.pass_obj
def test(session: Session, channels: tuple[str, ...], as_json: bool) -> int:
    """Send a test message by these channels, or by all; fails if one of them does."""
    from horarium.alerts.watch import send_trial

    deliveries = send_trial(session.app, channels, by=named(None))
    if as_json:
        session.out.document([{"channel": d.channel, "outcome": d.outcome, "trouble": d.trouble} for d in deliveries])
    else:
        for each in deliveries:
            session.out.row(f"{each.channel}: {'sent' if not each.trouble else f'not sent: {each.trouble}'}")
    return Exit.OK if not any(each.trouble for each in deliveries) else Exit.FAILED


@command.command("silence", cls=Command)
@click.argument("rule", default="*")
@click.argument("about", default="*")
@option("--for", "lasts", type=seconds, default=3600.0, help="How long, such as 2h. [default: 1h]")
@option("--reason", default="", help="Why, for whoever wonders later; needed.")
@option("--end", "ended", metavar="ID", help="End this silence instead.")
@option("--list", "listed", is_flag=True, help="List the silences instead.")
@BY
@JSON
@click.pass_obj
def silence(
    session: Session,
    rule: str,
    about: str,
    lasts: float,
    reason: str,
    ended: str | None,
    listed: bool,
    by: str | None,
    as_json: bool,
) -> int:
    """Tell nobody of a RULE and what it is ABOUT for a while: names, or patterns such as 'schedule_*' 'reports.*'."""
    from horarium.alerts import shelf

    engine = session.engine
    session.show_times_of_app()
    now = engine.now()
    if ended is not None:
        if not shelf.end_silence(engine, ended):
            raise Stop(f"no silence has the id {ended!r}", Exit.NOT_FOUND)
        session.out.say("the silence has ended")
        return Exit.OK
    if listed:
        silences = shelf.read_silences(engine, now=now)
    else:
        until = now + milliseconds(lasts)
        made = shelf.silence(engine, rule=rule, subject=about, until=until, reason=reason, by=named(by), now=now)
        silences = [made]
    rows = [
        {
            "id": each.id,
            "rule": each.rule,
            "subject": each.subject,
            "until": each.until,
            "by": each.by,
            "reason": each.reason,
        }
        for each in silences
    ]
    session.out.table(SILENCES, rows, as_json=as_json, empty="nothing is silenced")
    return Exit.OK


@command.command("run", cls=Command)
@option("-l", "--loglevel", type=log_level, default="INFO", show_default=True, metavar="LEVEL", help="In any case.")
@click.pass_obj
def run(session: Session, loglevel: str) -> int:
    """Watch until told to stop (TERM or Ctrl-C); any number may run, beside workers and schedulers or elsewhere."""
    from horarium.alerts.watch import Watcher
    from horarium.observe import logs
    from horarium.observe.lines import Lines

    app = session.app
    logs.configure(loglevel, app.conf, None, color=session.out.color)
    watcher = Watcher(app, observer=Lines())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: watcher.stop())
    session.out.say("watching.")
    try:
        return watcher.run()
    finally:
        app.close()


def _row(incident: Incident) -> dict[str, object]:
    quiet = f"because of {incident.under}" if incident.under else "silenced" if incident.silenced else ""
    return {
        "phase": incident.phase,
        "rule": incident.rule,
        "subject": incident.subject,
        "since": incident.since,
        "quiet": quiet,
        "text": incident.text,
    }

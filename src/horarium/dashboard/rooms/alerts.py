"""What is wrong, who was told of it, and what nobody wants to hear of for a while."""

from __future__ import annotations

from msgspec import Struct

from horarium.alerting import KNOWN, RULES, Alerting, Known
from horarium.alerts import shelf
from horarium.alerts.book import Incident
from horarium.alerts.outbox import stands_of
from horarium.alerts.watch import send_trial
from horarium.clock import Seconds, milliseconds
from horarium.dashboard.ask import Ask, Done, Shown, Unanswerable
from horarium.dashboard.person import Role
from horarium.dashboard.room import Room
from horarium.errors import ImproperlyConfigured, InvalidArguments

room = Room("alerts")

ROWS = 100
LOGGED = 20
LENGTHS: dict[str, Seconds] = {
    "1 hour": 3600.0,
    "4 hours": 4 * 3600.0,
    "1 day": 86_400.0,
    "1 week": 7 * 86_400.0,
    "30 days": 30 * 86_400.0,
}


class RuleRow(Struct, frozen=True, kw_only=True):
    """A rule as the setting has it."""

    known: Known
    is_on: bool
    after: Seconds
    channels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@room.page("/alerts")
def overview(ask: Ask) -> Shown:
    engine, now, alerting = ask.engine, ask.now, ask.app.conf.alerts
    book = shelf.read_book(engine, now=now)
    log = shelf.read_log(engine, now=now)
    told = sorted(shelf.read_incidents(engine, now=now), key=lambda incident: (not incident.is_told, incident.since))
    return Shown(
        template="alerts/overview.html",
        title="Alerts",
        context={
            "alerting": alerting,
            "incidents": told[:ROWS],
            "more": max(0, len(told) - ROWS) + book.left_out,
            "recent": book.recent,
            "titles": {name: known.title for name, known in RULES.items()},
            "watchers": shelf.read_watchers(engine, now=now),
            "rules": [_rule(known, alerting) for known in KNOWN],
            "channels": stands_of(shelf.read_outbox(engine, now=now), log, alerting),
            "silences": shelf.read_silences(engine, now=now),
            "log": log[:LOGGED],
            "standing": _standing,
            "lengths": LENGTHS,
            "chosen_rule": ask.query.get("rule", "*"),
            "chosen_about": ask.query.get("about", "*"),
        },
    )


@room.act("/alerts/test", role=Role.OPERATOR)
def test(ask: Ask) -> Done:
    """Send a test message by one channel, and wait for what becomes of it."""
    name = ask.given("channel")
    try:
        [delivery] = send_trial(ask.app, [name], by=ask.person.name)
    except ImproperlyConfigured as error:
        raise Unanswerable("gone", "there is no such channel", hint=str(error)) from None
    if delivery.trouble:
        return Done(text=f"{name} did not take it: {delivery.trouble}", to="/alerts", is_good=False, about=name)
    return Done(text=f"{name} took a test message", to="/alerts", about=name)


@room.act("/alerts/silence", role=Role.OPERATOR)
def silence(ask: Ask) -> Done:
    """Tell nobody of what matches, for a while."""
    lasts = LENGTHS.get(ask.given("lasts"))
    if lasts is None:
        raise Unanswerable("wrong", "that is no length of a silence", hint=f"choose one of {', '.join(LENGTHS)}")
    try:
        made = shelf.silence(
            ask.engine,
            rule=ask.given("rule").strip()[:200],
            subject=ask.given("about").strip()[:200],
            until=ask.now + milliseconds(lasts),
            reason=ask.given("reason")[:1000],
            by=ask.person.name,
            now=ask.now,
        )
    except InvalidArguments as error:
        raise Unanswerable("wrong", "this silence cannot be made", hint=str(error)) from None
    about = f"{made.rule} {made.subject}"
    return Done(text=f"nobody is told of {about} for {ask.given('lasts')}", to="/alerts", about=about, after=made.until)


@room.act("/alerts/silence/end", role=Role.OPERATOR)
def end_silence(ask: Ask) -> Done:
    """End a silence before its time."""
    id = ask.given("id")
    if not shelf.end_silence(ask.engine, id):
        raise Unanswerable("gone", "this silence has ended already")
    return Done(text="the silence has ended", to="/alerts", about=id)


def _rule(known: Known, alerting: Alerting | None) -> RuleRow:
    said = None if alerting is None else alerting.rule(known.name)
    if alerting is None or said is None:
        return RuleRow(known=known, is_on=False, after=known.after)
    return RuleRow(
        known=known,
        is_on=True,
        after=alerting.after(known.name),
        channels=alerting.channels_of(known.name),
        names=said.names,
    )


def _standing(incident: Incident) -> tuple[str, str, str]:
    """Return how an incident looks: a sign, words, and a tone."""
    if incident.phase == "grace":
        return "◔", "stands by", "warn"
    if incident.phase == "recovered":
        return "✔", "recovered", "good"
    if incident.silenced:
        return "⊘", "silenced", "off"
    if incident.under:
        return "◌", f"because of {RULES[incident.under].title.lower()}", "idle"
    return "✖", "firing", "bad"

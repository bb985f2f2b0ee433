"""Alerts: what is wrong now and what was, who was told of it, silences, and channels with a test of each."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from horarium.alerting import RULES
from horarium.alerts import shelf
from horarium.alerts.book import Incident, Silence
from horarium.alerts.outbox import ChannelStand, Delivery, stands_of
from horarium.alerts.watch import send_trial
from horarium.clock import to_instant
from horarium.dashboard.api.door import Call, Caller, Changed, GuardedRoute, Problem, changes, reads
from horarium.dashboard.api.shapes import Given, Paged, Told, moment
from horarium.dashboard.person import Role
from horarium.errors import ImproperlyConfigured
from horarium.observe.moments import iso

router = APIRouter(tags=["alerts"], route_class=GuardedRoute)

Pattern = Annotated[str, Field(min_length=1, max_length=200)]


class AlertShape(BaseModel):
    """A symptom of one subject. ``phase``: grace (it stands by), firing or recovered."""

    rule: str
    title: str
    about: str
    group: str | None = None
    phase: str
    text: str
    since: str
    seen: str
    fired: str | None = None
    ended: str | None = None
    count: int
    last_good: str | None = None
    is_told: bool = Field(description="People hear of it: it fires, is not silenced, and nothing else explains it.")
    under: str | None = Field(None, description="The rule of what explains it.")
    silence: str | None = Field(None, description="The id of what silences it.")
    path: str | None = Field(None, description="Its page in the dashboard.")


class AlertsShape(Paged[AlertShape]):
    """What is wrong now. Without a watcher nobody looks, and an empty list says nothing."""

    is_set: bool = Field(description="The app's setting alerts is given.")
    watchers: list[str] = Field(description="Processes that look, or stand by to.")


class DeliveryShape(BaseModel):
    """One try to send a message. ``outcome``: sent, again (it is tried later), or given up."""

    at: str
    channel: str
    kind: str
    id: str
    title: str
    occasion: str
    number: int = Field(description="Of the try.")
    outcome: str
    trouble: str = ""


class SilenceShape(BaseModel):
    id: str
    rule: str
    about: str
    until: str
    reason: str
    by: str
    at: str


class ChannelShape(BaseModel):
    """A channel, without its address: whoever has that may write there."""

    id: str
    kind: str
    waiting: int = Field(description="Messages on their way.")
    held: int = Field(description="Messages that will come in a digest.")
    last: DeliveryShape | None = None


class Silencing(Given):
    """Patterns of a rule and of what it is about, such as ``schedule_*`` and ``nightly-*``; both need not be given."""

    until: Annotated[AwareDatetime, Field(description="Its end, within 90 days from now.")]
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    rule: Pattern = "*"
    about: Pattern = "*"


@reads(router, "/alerts", response_model=AlertsShape)
def list_alerts(call: Call) -> Any:
    """List what is wrong now, and what stands by: first what people are told of, then the oldest first."""
    engine, now = call.engine, call.now
    found = sorted(shelf.read_incidents(engine, now=now), key=lambda incident: (not incident.is_told, incident.since))
    left_out = shelf.read_book(engine, now=now).left_out
    return {
        "items": [_alert_fields(incident) for incident in found],
        "approx_total": len(found) + left_out,
        "is_set": call.app.conf.alerts is not None,
        "watchers": [watching.name for watching in shelf.read_watchers(engine, now=now)],
    }


@reads(router, "/alerts/history", response_model=Paged[AlertShape])
def list_history(call: Call) -> Any:
    """List what was wrong and has recovered, the newest first; the last few are kept."""
    return _page([_alert_fields(incident) for incident in shelf.read_book(call.engine, now=call.now).recent])


@reads(router, "/alerts/deliveries", response_model=Paged[DeliveryShape])
def list_deliveries(call: Call) -> Any:
    """List the tries to send messages, the newest first; they are kept for a week."""
    return _page([_delivery_fields(delivery) for delivery in shelf.read_log(call.engine, now=call.now)])


@reads(router, "/silences", response_model=Paged[SilenceShape])
def list_silences(call: Call) -> Any:
    """List the silences that have not ended, the first to end first."""
    return _page([_silence_fields(silence) for silence in shelf.read_silences(call.engine, now=call.now)])


@changes(router, "POST", "/silences", role=Role.OPERATOR, action="silences.add", shape=SilenceShape, status_code=201)
def add_silence(call: Call, body: Silencing) -> Changed:
    """Tell nobody of what matches, until a moment."""
    made = shelf.silence(
        call.engine,
        rule=body.rule.strip(),
        subject=body.about.strip(),
        until=to_instant(body.until),
        reason=body.reason,
        by=call.person.name,
        now=call.now,
    )
    return Changed(
        body=_silence_fields(made),
        text=f"nobody is told of {made.rule} {made.subject} until {iso(made.until)}",
        about=f"silence {made.id}",
        reason=made.reason,
        after={"rule": made.rule, "about": made.subject, "until": made.until},
    )


@changes(router, "DELETE", "/silences/{id}", role=Role.OPERATOR, action="silences.end", shape=Told)
def end_silence(call: Call, id: str) -> Changed:
    """End a silence before its time."""
    if not shelf.end_silence(call.engine, id):
        raise Problem(404, "not_found", "there is no such silence", hint="it may have ended already")
    text = "the silence has ended"
    return Changed(body=Told(text=text), text=text, about=f"silence {id}")


@reads(router, "/channels", response_model=Paged[ChannelShape])
def list_channels(call: Call) -> Any:
    """List the channels of the setting ``alerts``, with what became of the last message of each."""
    return _page([_channel_fields(stand) for stand in _stands(call)])


@changes(router, "POST", "/channels/{id}/test", role=Role.OPERATOR, action="channels.test", shape=DeliveryShape)
def try_channel(call: Call, id: str) -> Changed:
    """Send a test message by a channel, and wait for what becomes of it: ``outcome`` is sent, or given up."""
    try:
        [delivery] = send_trial(call.app, [id], by=call.person.name)
    except ImproperlyConfigured as error:
        raise Problem(404, "not_found", "there is no such channel", hint=str(error)) from None
    text = f"{id} did not take it: {delivery.trouble}" if delivery.trouble else f"{id} took a test message"
    return Changed(body=_delivery_fields(delivery), text=text, about=f"channel {id}")


def _stands(call: Caller) -> list[ChannelStand]:
    engine, now = call.engine, call.now
    log, outbox = shelf.read_log(engine, now=now), shelf.read_outbox(engine, now=now)
    return stands_of(outbox, log, call.app.conf.alerts)


def _page(items: list[dict[str, Any]]) -> dict[str, Any]:  # Any: the fields of Paged
    return {"items": items, "approx_total": len(items)}


def _alert_fields(incident: Incident) -> dict[str, Any]:  # Any: the fields of AlertShape
    known = RULES.get(incident.rule)
    return {
        "rule": incident.rule,
        "title": incident.rule if known is None else known.title,
        "about": incident.subject,
        "group": incident.group or None,
        "phase": incident.phase,
        "text": incident.text,
        "since": iso(incident.since),
        "seen": iso(incident.seen),
        "fired": moment(incident.fired),
        "ended": moment(incident.ended),
        "count": incident.count,
        "last_good": moment(incident.last_good),
        "is_told": incident.is_told,
        "under": incident.under or None,
        "silence": incident.silenced or None,
        "path": incident.path or None,
    }


def _delivery_fields(delivery: Delivery) -> dict[str, Any]:  # Any: the fields of DeliveryShape
    return {
        "at": iso(delivery.at),
        "channel": delivery.channel,
        "kind": delivery.kind,
        "id": delivery.id,
        "title": delivery.title,
        "occasion": delivery.occasion,
        "number": delivery.number,
        "outcome": delivery.outcome,
        "trouble": delivery.trouble,
    }


def _silence_fields(silence: Silence) -> dict[str, Any]:  # Any: the fields of SilenceShape
    return {
        "id": silence.id,
        "rule": silence.rule,
        "about": silence.subject,
        "until": iso(silence.until),
        "reason": silence.reason,
        "by": silence.by,
        "at": iso(silence.at),
    }


def _channel_fields(stand: ChannelStand) -> dict[str, Any]:  # Any: the fields of ChannelShape
    return {
        "id": stand.name,
        "kind": stand.kind,
        "waiting": stand.waiting,
        "held": stand.held,
        "last": None if stand.last is None else _delivery_fields(stand.last),
    }

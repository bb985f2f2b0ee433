"""The watcher: looks every few seconds, decides by the rules, and sends. Any number may run; it is one's turn at a
time.

Each says in a note of its own that it is there. It is the turn of the one that has been there longest; all see the same
notes, so they agree without a vote. A new one waits a look before it may be its turn, so that two that come at once
have seen each other; one whose note took longer than that to be stored takes it back, and comes anew. One that is
frozen in the middle of its turn and wakes after its note has lapsed may send a message that the next one has sent too:
at least once, and the second bears the same id.
"""

from __future__ import annotations

import os
import queue
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from horarium.alerting import Alerting
from horarium.alerts import outbox as boxes
from horarium.alerts import shelf
from horarium.alerts.book import advance
from horarium.alerts.channels import AGENT, send
from horarium.alerts.gather import look
from horarium.alerts.messages import message_of, trial
from horarium.alerts.outbox import Delivery, Pending
from horarium.alerts.outgoing import Answer, post
from horarium.alerts.rules import symptoms
from horarium.alerts.shelf import Watching
from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.protocol import Engine
from horarium.errors import EngineError, ImproperlyConfigured
from horarium.event import Observer, Recovered, Silent, Troubled
from horarium.message import new_id
from horarium.observe.moments import zone_or_utc
from horarium.observe.redacted import IN_LISTS, shown_run

if TYPE_CHECKING:
    from horarium.app.app import Horarium

WHERE = "alerts"  # the place of its troubles
SHORTEST_LEASE: Seconds = 15.0  # longer than a channel may take to answer
HEARTBEAT_EVERY: Seconds = 60.0
EXIT_DONE = 0


class Watcher:
    """Watches over one app's store. ``run`` blocks until ``stop``; ``turn`` is one look.

    Raises: ImproperlyConfigured when the app has no ``alerts``."""

    def __init__(self, app: Horarium, *, name: str = "", observer: Observer | None = None) -> None:
        alerting = app.conf.alerts
        if alerting is None:
            raise ImproperlyConfigured(
                "expected the setting alerts to name a channel, it is not set; write for instance "
                'app.conf.alerts = {"channels": {"ops": {"type": "webhook", "url": "https://..."}}}'
            )
        self._app = app
        self._alerting: Alerting = alerting
        self._name = name or f"alerts@{os.uname().nodename}"
        self._observer = observer or Silent()
        self._me: Watching | None = None
        self._after: str | None = None  # where the next page of schedules begins
        self._is_troubled = False
        self._is_deaf = False  # the heartbeat's receiver does not answer
        self._beat_at: Seconds = float("-inf")  # a reading of the monotonic clock
        self._is_stopping = False
        # Stop requests: put() may be called from a signal handler, Event.set() may not.
        self._stops: queue.SimpleQueue[None] = queue.SimpleQueue()

    def run(self) -> int:
        """Look until told to stop. A store that cannot be reached is waited for; nothing that goes wrong here ends it,
        for a worker whose alerts are broken must go on working."""
        try:
            while not self._is_stopping:
                with suppress(queue.Empty):
                    self._stops.get(timeout=self._alerting.every)
                if not self._is_stopping:
                    self._round()
        finally:
            self._leave()
        return EXIT_DONE

    def stop(self) -> None:
        """Ask ``run`` to end. From any thread or signal handler, any number of times, before ``run`` too."""
        self._is_stopping = True
        self._stops.put(None)

    def turn(self) -> bool:
        """Look, decide and send, if it is this one's turn; tell whether it was. Raises: EngineUnavailable."""
        engine = self._app.engine
        if not self._stand_by(engine):
            return False
        self._decide(engine, engine.now())
        self._send_all(engine)
        self._beat()
        return True

    def _round(self) -> None:
        try:
            self.turn()
        except EngineError as error:
            self._note_trouble(str(error))
        except Exception as error:  # noqa: BLE001  # told, and tried again: what was decided lies in the store
            self._note_trouble(f"{type(error).__name__}: {error}", traceback.format_exc())
        else:
            if self._is_troubled:
                self._is_troubled = False
                self._observer.tell(Recovered(where=WHERE))

    def _note_trouble(self, reason: str, lines: str = "") -> None:
        if not self._is_troubled:
            self._is_troubled = True
            self._observer.tell(Troubled(where=WHERE, reason=reason, wait=self._alerting.every, traceback=lines))

    def _stand_by(self, engine: Engine) -> bool:
        """Say that we are there; return whether it is our turn."""
        now = engine.now()
        is_new = self._me is None
        if self._me is None:
            self._me = Watching(id=new_id(now), since=now, name=f"{self._name} (pid {os.getpid()})")
        lease = max(4 * self._alerting.every, SHORTEST_LEASE)
        watchers = shelf.read_watchers(engine, now=now)
        if not is_new and self._me.id not in {each.id for each in watchers}:  # it has lapsed: we are the last in line
            self._me = Watching(id=self._me.id, since=now, name=self._me.name)
            is_new = True
        shelf.stand_by(engine, self._me, now=now, lease=lease)
        if is_new and engine.now() - now >= milliseconds(self._alerting.every):
            # It came so late that another one may have come after us, waited a look without seeing us, and begun.
            shelf.leave(engine, self._me)
            self._me = None
            return False
        return not is_new and watchers[0].id == self._me.id

    def _decide(self, engine: Engine, now: Instant) -> None:
        app, alerting = self._app, self._alerting
        seen = look(
            engine,
            shelf.read_book(engine, now=now),
            now=now,
            shown=lambda run: shown_run(run, app, limit=IN_LISTS),
            after=self._after,
        )
        self._after = seen.after
        found = symptoms(seen.facts, alerting, seen.book.passed, seen.book.failing)
        silences = shelf.read_silences(engine, now=now)
        book, notices = advance(seen.book, found, alerting, silences, now=now, judged=seen.judged)
        outbox = boxes.without_channels_but(shelf.read_outbox(engine, now=now), alerting.channels)
        zone = zone_or_utc(alerting.timezone or app.conf.timezone)
        outbox = boxes.add_digests(outbox, alerting, app=app.main, now=now)
        for notice in notices:
            message = message_of(notice, app=app.main, now=now, zone=zone, dashboard_url=alerting.dashboard_url)
            outbox = boxes.add(outbox, message, alerting.channels_of(notice.rule), alerting, now=now)
        shelf.write(engine, now=now, book=book, outbox=outbox)

    def _send_all(self, engine: Engine) -> None:
        """Try everything that is due. It is noted after each try: who dies meanwhile has sent at most one in vain."""
        outbox = shelf.read_outbox(engine, now=engine.now())
        for pending in boxes.due(outbox, engine.now()):
            if self._is_stopping or not self._stand_by(engine):
                return
            answer = send(self._alerting.channels[pending.channel], pending.message, clock=self._app.clock)
            now = engine.now()
            kind = self._alerting.channels[pending.channel].kind
            outbox, delivery = boxes.note(outbox, pending, answer, kind, now=now)
            shelf.write(engine, now=now, outbox=outbox)
            shelf.log(engine, [delivery], now=now)
            if delivery.outcome == "given up":
                self._observer.tell(Troubled(where=WHERE, reason=f"{pending.channel}: {delivery.trouble}"))

    def _beat(self) -> None:
        """Tell somebody outside that all of this works: total silence is noticed there."""
        alerting, now = self._alerting, self._app.clock.monotonic()
        if not alerting.heartbeat or now - self._beat_at < HEARTBEAT_EVERY:
            return
        self._beat_at = now
        headers = {"User-Agent": AGENT}
        allow_private = alerting.allow_private_heartbeat
        answer = post(alerting.heartbeat, b"", headers, clock=self._app.clock, allow_private=allow_private)
        if answer.trouble is not None and not self._is_deaf:
            self._observer.tell(Troubled(where=WHERE, reason=f"heartbeat: {answer.trouble}", wait=HEARTBEAT_EVERY))
        self._is_deaf = answer.trouble is not None

    def _leave(self) -> None:
        """Say goodbye, so that the next one need not wait; a store that is away learns it from the lease."""
        me, self._me = self._me, None
        with suppress(EngineError):
            if me is not None and self._app.connection.is_open:
                shelf.leave(self._app.engine, me)


@contextmanager
def watching(app: Horarium, *, name: str, observer: Observer | None = None) -> Iterator[None]:
    """Watch in a thread for the length of a ``with`` block. Raises: ImproperlyConfigured without ``alerts``."""
    watcher = Watcher(app, name=name, observer=observer)
    thread = threading.Thread(target=watcher.run, name="horarium-alerts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        watcher.stop()
        thread.join(1.0)  # one that waits for a channel is left: what it was to send lies in the store


def send_trial(app: Horarium, channels: Sequence[str], *, by: str) -> list[Delivery]:
    """Send a test message to channels now, and log it; return what became of each.

    Raises: ImproperlyConfigured for a channel that there is not, or when there are none; EngineUnavailable."""
    alerting = app.conf.alerts
    known = {} if alerting is None else alerting.channels
    unknown = [name for name in channels if name not in known]
    if alerting is None or unknown:
        raise ImproperlyConfigured(
            f"expected the name of a channel of the setting alerts ({', '.join(known) or 'it has none'}), "
            f"got {', '.join(unknown) or 'none'}"
        )
    engine = app.engine
    zone = zone_or_utc(alerting.timezone or app.conf.timezone)
    deliveries = []
    for name in channels or tuple(known):
        now = engine.now()
        message = trial(app=app.main, channel=name, by=by, now=now, zone=zone)
        answer: Answer = send(known[name], message, clock=app.clock)
        outcome: boxes.Outcome = "sent" if answer.trouble is None else "given up"
        pending = Pending(channel=name, message=message, due=now)
        deliveries.append(boxes.delivery_of(pending, answer, known[name].kind, outcome, now=engine.now()))
    shelf.log(engine, deliveries, now=engine.now())
    return deliveries

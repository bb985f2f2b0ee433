"""Inbound: takes messages out of Celery's queues into the store.

Each is stored first and let go of second: to take it again is harmless, for its id is known then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from horarium.bridge.carrier import Carrier, Taken
from horarium.bridge.celery_results import CeleryResults
from horarium.bridge.connect import open_carrier
from horarium.bridge.envelope import Defaults, Refusal
from horarium.bridge.incoming import message_from
from horarium.bridge.membership import Membership
from horarium.bridge.part import BATCH, Surroundings
from horarium.clock import Instant, Seconds
from horarium.engines.protocol import Engine
from horarium.engines.records import QUEUE_TOPIC, Placed
from horarium.errors import EngineError, EngineUnavailable, StoreUnusable
from horarium.event import BridgeRefused, BridgeTook
from horarium.message import Message


class Inbound:
    """From the queues of one broker. ``queues``: from a queue there to the queue here."""

    name = "bridge in"

    def __init__(self, around: Surroundings, url: str, queues: Mapping[str, str], results: str | None) -> None:
        self._around = around
        self._url = url
        self._queues = dict(queues)
        self._results_url = results
        self._membership = Membership(around, ())  # it holds nothing, but people want to see that it lives
        self._carrier: Carrier | None = None
        self._results: CeleryResults | None = None

    def turn(self, wait: Seconds) -> bool:
        carrier = self._carrier = self._carrier or open_carrier(self._url, self._around.app.clock)
        if self._results_url and self._results is None:
            self._results = CeleryResults(self._results_url)
        engine = self._around.app.engine
        self._membership.renew(engine, now=engine.now())
        taken = carrier.take(list(self._queues), BATCH, wait)
        if not taken:
            return False
        crossing = self._translated(carrier, taken, engine.now())
        if crossing:
            self._store(carrier, engine, crossing)
        return True

    def close(self) -> None:
        carrier, results, self._carrier, self._results = self._carrier, self._results, None, None
        for each in (carrier, results):
            if each is not None:
                each.close()
        self._membership.leave()

    def _translated(self, carrier: Carrier, taken: Sequence[Taken], now: Instant) -> list[tuple[Taken, Message]]:
        crossing = []
        for each in taken:
            try:
                crossing.append((each, self._message(carrier, each, now)))
            except Refusal as refusal:
                self._refuse(carrier, each, str(refusal))
            except Exception as error:  # noqa: BLE001  # anything may stand in a message: it is set aside, others cross
                self._refuse(carrier, each, f"expected a message of Celery's protocol 2, got {error!r:.200}")
        return crossing

    def _message(self, carrier: Carrier, taken: Taken, now: Instant) -> Message:
        if taken.envelope is None:
            raise Refusal(taken.trouble)
        return message_from(
            taken.envelope,
            queue=self._queues[taken.queue],
            ranked=carrier.directions.inwards,
            placed=partial(self._placed, queue=self._queues[taken.queue]),
            now=now,
        )

    def _placed(self, task: str, *, queue: str) -> Defaults:
        """Return what the app says about a task; if it says nothing of its queue, the one that spoke of it came to."""
        app = self._around.app
        plan = app.producer.plan(task)
        is_said = plan.queue != app.conf.task_default_queue
        return Defaults(queue=plan.queue if is_said else queue, at_most_once=plan.at_most_once)

    def _store(self, carrier: Carrier, engine: Engine, crossing: Sequence[tuple[Taken, Message]]) -> None:
        if self._results is not None:
            wanted = [message.id for _, message in crossing if not message.ignore_result]
            self._results.await_ends(wanted, now=engine.now())
        messages = [message for _, message in crossing]
        try:
            news = engine.queue.put(messages, now=engine.now())
        except (EngineUnavailable, StoreUnusable):
            raise
        except Exception:  # noqa: BLE001  # one of them cannot be stored: which one, each is asked alone
            self._store_each(carrier, engine, crossing)
            return
        carrier.finish([taken for taken, _ in crossing])
        self._tell(engine, crossing, news)

    def _store_each(self, carrier: Carrier, engine: Engine, crossing: Sequence[tuple[Taken, Message]]) -> None:
        for taken, message in crossing:
            try:
                news = engine.queue.put([message], now=engine.now())
            except (EngineUnavailable, StoreUnusable):
                raise
            except (EngineError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
                self._refuse(carrier, taken, f"expected a message that the store can hold, got {error!r:.200}")
                continue
            carrier.finish([taken])
            self._tell(engine, [(taken, message)], news)

    def _tell(self, engine: Engine, crossing: Sequence[tuple[Taken, Message]], news: Sequence[Placed]) -> None:
        counts, observer = self._around.counts, self._around.observer
        topics = {
            QUEUE_TOPIC + message.queue for (_, message), is_new in zip(crossing, news, strict=True) if is_new is True
        }
        if topics:
            engine.notifier.notify(topics)
        for (taken, message), placed in zip(crossing, news, strict=True):
            is_new = placed is True
            counts.taken += is_new
            counts.known += not is_new
            if observer.is_detailed:
                observer.tell(BridgeTook(task=message.task, id=message.id, queue=taken.queue, is_new=is_new))

    def _refuse(self, carrier: Carrier, taken: Taken, reason: str) -> None:
        carrier.refuse(taken, reason)
        self._around.counts.refused += 1
        headers = taken.envelope.headers if taken.envelope is not None else {}
        self._around.observer.tell(
            BridgeRefused(
                queue=taken.queue,
                task=str(headers.get("task") or "?")[:200],
                id=str(headers.get("id") or "?")[:200],
                reason=reason,
            )
        )

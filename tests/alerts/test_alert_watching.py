"""The watcher over a store: whose turn it is, what is remembered, what is sent how often; silences and the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import Raw
from sinks import HttpSink, http_sink

from horarium import Horarium
from horarium.alerts import firing, shelf
from horarium.alerts.book import Book
from horarium.alerts.gather import look
from horarium.alerts.watch import Watcher, send_trial
from horarium.clock import ManualClock
from horarium.engines.records import MaintenancePolicy, Member
from horarium.errors import ImproperlyConfigured, InvalidArguments
from horarium.outcome import ErrorRecord, Failed, Outcome, Run, Settlement, Succeeded
from horarium.tally import Tally


class Desk:
    """An app whose clock is ours, with a sink for its alerts."""

    def __init__(self, app: Horarium, clock: ManualClock, sink: HttpSink) -> None:
        self.app = app
        self.clock = clock
        self.sink = sink
        self.engine = app.engine
        app.conf.alerts = self.setting()

    def setting(self, **more: Any) -> dict[str, Any]:
        channel = {"type": "webhook", "url": self.sink.url, "allow_private": True}
        return {"channels": {"ops": channel}, "every": 15, "wait": 15, **more}

    def pass_time(self, seconds: float, *watchers: Watcher) -> None:
        """Let the watchers take their turns every 15 s."""
        until = self.clock.now() + seconds * 1000
        while self.clock.now() < until:
            self.clock.advance(15)
            for watcher in watchers:
                watcher.turn()

    def titles(self) -> list[str]:
        return [got.json["title"] for got in self.sink.received]

    def join(self, name: str = "worker@a", kind: Any = "child", *, lease: float = 86_400.0) -> None:
        member = Member(owner=f"{kind}/{name}", kind=kind, name=name, queues=("default",), tasks=("shop.charge",))
        self.engine.queue.renew([member], now=self.engine.now(), lease=lease)

    def end_one(self, outcome: Outcome) -> None:
        now = self.engine.now()
        [delivery] = self.engine.queue.claim(["default"], "child/worker@a", 1, now=now)
        done = Settlement(
            id=delivery.message.id, owner=delivery.owner, fence=delivery.fence, outcome=outcome, ended=now
        )
        self.engine.queue.settle([done], now=now, policy=MaintenancePolicy())


def as_it_is(run: Run) -> Run:
    return run


FAILED = Failed(error=ErrorRecord(class_path="shop.NoSuchOrder", text="order 7"))


@pytest.fixture
def desk(shop: Horarium, clock: ManualClock) -> Iterator[Desk]:
    with http_sink() as sink:
        yield Desk(shop, clock, sink)


def test_without_the_setting_there_is_nothing_to_watch_with(shop: Horarium) -> None:
    with pytest.raises(ImproperlyConfigured, match="expected the setting alerts to name a channel"):
        Watcher(shop)


def test_of_any_number_of_watchers_one_looks_and_each_message_is_sent_once(desk: Desk) -> None:
    desk.app.send_task("shop.charge", (1,))
    watchers = [Watcher(desk.app, name=f"w{n}") for n in range(3)]
    desk.pass_time(300, *watchers)
    assert desk.titles() == ["[shop] FIRING: Queue nobody reads: default"]
    assert len(shelf.read_watchers(desk.engine, now=desk.engine.now())) == 3


def test_a_new_watcher_waits_a_look_before_it_may_be_its_turn(desk: Desk) -> None:
    watcher = Watcher(desk.app)
    assert [watcher.turn(), watcher.turn()] == [False, True]


def test_one_whose_note_comes_late_stands_behind_those_that_could_not_see_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is slow to take its first note: meanwhile another one has come, waited, and begun its turn."""
    first, late, post = Watcher(desk.app), Watcher(desk.app), desk.engine.notes.post
    seen: list[bool] = []

    def slowly(notes: Any, *, now: int) -> None:
        monkeypatch.setattr(desk.engine.notes, "post", post)
        for _ in range(2):
            desk.clock.advance(15)
            seen.append(first.turn())
        post(notes, now=now)

    monkeypatch.setattr(desk.engine.notes, "post", slowly)
    assert not late.turn()
    assert seen == [False, True]
    for _ in range(3):
        desk.clock.advance(15)
        assert [late.turn(), first.turn()] == [False, True]


def test_when_the_one_that_looks_is_gone_the_next_goes_on_where_it_was(desk: Desk) -> None:
    desk.app.send_task("shop.charge", (1,))
    first, second = Watcher(desk.app), Watcher(desk.app)
    desk.pass_time(300, first, second)
    desk.pass_time(90, second)  # the first one's note lapses after a minute
    desk.join(kind="worker")
    desk.pass_time(60, second)
    assert desk.titles() == [
        "[shop] FIRING: Queue nobody reads: default",
        "[shop] RECOVERED: Queue nobody reads: default",
    ]
    assert desk.sink.received[1].json["downtime_s"] > 300


def test_what_is_told_of_a_failure_holds_to_the_rules_of_today(desk: Desk) -> None:
    """It was redacted when it was stored, by the rules of then, or by a version that had none."""
    desk.app.conf.redact_patterns = ("tiger-[0-9]+",)
    watcher = Watcher(desk.app)
    desk.join()
    desk.pass_time(30, watcher)
    desk.app.tasks["shop.charge"].delay({"id": 1, "password": "lion-on-the-wall"})
    error = ErrorRecord(class_path="shop.NoMoney", text="none on tiger-4711 of lion-on-the-wall")
    desk.end_one(Failed(error=error))
    desk.pass_time(60, watcher)
    [got] = [got for got in desk.sink.received if "Task failed" in got.json["title"]]
    assert "none on [redacted] of [redacted]" in got.json["text"]
    assert b"tiger" not in got.body and b"lion" not in got.body


def test_a_failure_is_told_with_its_class_and_recovers_with_a_later_success_of_the_task(desk: Desk) -> None:
    """Row 121: failed tasks are told."""
    watcher = Watcher(desk.app)
    desk.join()
    desk.app.send_task("shop.charge", (7,))
    desk.end_one(FAILED)  # before anybody looked: it is no news
    desk.pass_time(120, watcher)
    good = Tally(at=desk.engine.now(), task="shop.charge", queue="default", counts={"succeeded": 3})
    desk.engine.series.add([good], now=desk.engine.now())
    for order in (8, 9):
        desk.app.send_task("shop.charge", (order,))
        desk.end_one(FAILED)
    desk.pass_time(60, watcher)
    [told] = desk.sink.received
    assert told.json["about"][0]["last_good"] == "2026-01-01T00:02:00.000Z"
    assert told.json["title"] == "[shop] FIRING: Task failed: shop.charge · shop.NoSuchOrder"
    assert (told.json["count"], told.json["about"][0]["text"]) == (2, "shop.NoSuchOrder: order 7")
    [incident] = firing(desk.engine, now=desk.engine.now())
    assert (incident.rule, incident.count) == ("task_failed", 2)
    desk.app.send_task("shop.charge", (1,))
    desk.end_one(Succeeded(result=Raw(b"1")))
    desk.pass_time(60, watcher)
    assert desk.titles()[1:] == ["[shop] RECOVERED: Task failed: shop.charge · shop.NoSuchOrder"]
    assert firing(desk.engine, now=desk.engine.now()) == []


def test_a_failure_of_a_run_that_was_sent_long_ago_is_found_behind_many_newer_ones(desk: Desk) -> None:
    desk.join()
    desk.app.send_task("shop.charge", (0,), eta=None)
    for order in range(150):
        desk.clock.advance(0.001)
        desk.app.send_task("shop.charge", (order,), priority=9)
    for _ in range(150):
        desk.end_one(FAILED)
    desk.clock.advance(3600)
    first = look(desk.engine, Book(), now=desk.engine.now(), shown=as_it_is)
    desk.clock.advance(15)
    desk.end_one(FAILED)
    counted = Tally(at=desk.engine.now(), task="shop.charge", queue="default", counts={"failed": 1})
    desk.engine.series.add([counted], now=desk.engine.now())
    desk.clock.advance(1)
    second = look(desk.engine, first.book, now=desk.engine.now(), shown=as_it_is)
    assert len(second.facts.failures) == 1
    assert look(desk.engine, second.book, now=desk.engine.now(), shown=as_it_is).facts.failures == ()


def test_a_receiver_that_is_away_gets_its_message_later_under_the_same_id(desk: Desk) -> None:
    desk.sink.statuses = [503, 503, 200]
    desk.app.send_task("shop.charge", (1,))
    desk.pass_time(400, Watcher(desk.app))
    assert len({got.json["id"] for got in desk.sink.received}) == 1
    log = shelf.read_log(desk.engine, now=desk.engine.now())
    assert [(each.number, each.outcome, each.trouble) for each in log] == [
        (3, "sent", ""),
        (2, "again", "it answered 503"),
        (1, "again", "it answered 503"),
    ]


def test_a_receiver_that_stays_away_is_given_up_after_five_tries(desk: Desk) -> None:
    desk.sink.statuses = [500]
    desk.app.send_task("shop.charge", (1,))
    desk.pass_time(3600, Watcher(desk.app))
    log = shelf.read_log(desk.engine, now=desk.engine.now())
    assert [each.outcome for each in log] == ["given up", "again", "again", "again", "again"]


def test_a_channel_that_breaks_holds_up_no_other_one(desk: Desk) -> None:
    wrong = {"type": "email", "to": ["ops@shop.example"], "from": "horarium@[shop", "host": "127.0.0.1", "port": 1}
    desk.app.conf.alerts = {"channels": {"wrong": wrong, **desk.setting()["channels"]}, "every": 15, "wait": 15}
    desk.app.send_task("shop.charge", (1,))
    desk.pass_time(400, Watcher(desk.app))
    assert len(desk.titles()) == 1
    log = shelf.read_log(desk.engine, now=desk.engine.now())
    assert [each.outcome for each in log if each.channel == "wrong"] == ["again"] * 3


def test_more_messages_than_an_hour_may_have_come_as_one_digest(desk: Desk) -> None:
    desk.app.conf.alerts = desk.setting(most_per_hour=2, rules={"queue_old": False})
    for number in range(5):
        desk.app.send_task("shop.charge", (1,), queue=f"q{number}")
    watcher = Watcher(desk.app)
    desk.pass_time(600, watcher)
    assert desk.titles() == ["[shop] FIRING: Queue nobody reads: 5 things"]
    for number in range(3):
        desk.join(name=f"worker@{number}", kind="child")
        desk.app.send_task("shop.nobody", (1,), queue=f"x{number}")
        desk.pass_time(600, watcher)
    assert len(desk.sink.received) == 2
    desk.pass_time(3600, watcher)
    digests = [got.json for got in desk.sink.received if got.json["occasion"] == "digest"]
    assert len(digests) == 1
    assert "held back in the last hour" in digests[0]["title"]


def test_a_test_message_says_whether_a_channel_works_and_is_logged(desk: Desk) -> None:
    [delivery] = send_trial(desk.app, ["ops"], by="ana")
    assert (delivery.outcome, delivery.occasion) == ("sent", "test")
    assert desk.sink.received[0].json["text"].startswith("sent by ana at ")
    with pytest.raises(ImproperlyConfigured, match=r"channel of the setting alerts \(ops\), got pager"):
        send_trial(desk.app, ["pager"], by="ana")
    assert [each.channel for each in shelf.read_log(desk.engine, now=desk.engine.now())] == ["ops"]


def test_a_heartbeat_goes_out_as_long_as_all_works(desk: Desk) -> None:
    beats = desk.sink.url.replace("/hook", "/beat")
    desk.app.conf.alerts = desk.setting(heartbeat=beats, allow_private_heartbeat=True)
    desk.pass_time(600, Watcher(desk.app))
    assert {got.path for got in desk.sink.received} == {"/beat"}
    assert 9 <= len(desk.sink.received) <= 10


def test_a_silence_needs_a_reason_and_an_end(desk: Desk) -> None:
    now = desk.engine.now()
    with pytest.raises(InvalidArguments, match="expected a reason"):
        shelf.silence(desk.engine, rule="*", subject="*", until=now + 1000, reason=" ", by="ana", now=now)
    with pytest.raises(InvalidArguments, match="within 90 days"):
        shelf.silence(desk.engine, rule="*", subject="*", until=now, reason="x", by="ana", now=now)


def test_what_is_silenced_is_listed_and_not_told(desk: Desk) -> None:
    now = desk.engine.now()
    until = now + 3_600_000
    made = shelf.silence(desk.engine, rule="queue_*", subject="*", until=until, reason="move", by="ana", now=now)
    desk.app.send_task("shop.charge", (1,))
    watcher = Watcher(desk.app)
    desk.pass_time(300, watcher)
    assert desk.titles() == []
    assert shelf.read_book(desk.engine, now=now).firing
    assert firing(desk.engine, now=desk.engine.now()) == []
    assert shelf.end_silence(desk.engine, made.id) and not shelf.end_silence(desk.engine, made.id)
    desk.pass_time(30, watcher)
    assert len(desk.titles()) == 1


def test_the_log_is_bounded(desk: Desk) -> None:
    now = desk.engine.now()
    [delivery] = send_trial(desk.app, ["ops"], by="ana")
    shelf.log(desk.engine, [delivery] * 300, now=now)
    assert len(shelf.read_log(desk.engine, now=now)) == 200


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"channels": {}}, 'write for instance {"channels"'),
        ({"channels": {"a": {"url": "https://s3cret"}}}, "the types of channels are"),
        ({"channels": {"a": {"type": "webhook", "url": "ftp://s3cret"}}}, "must begin with https://"),
        ({"channels": {"a": {"type": "webhook", "url": "https://u:s3cret@host"}}}, "no user and password"),
        ({"channels": {"a": {"type": "webhook", "url": "https://host/ s3cret"}}}, "without spaces"),
        ({"channels": {"a": {"type": "webhook", "url": "https://host:99999/s3cret"}}}, "cannot be read as a URL"),
        ({"channels": {"a": {"type": "email", "to": ["s3cret"], "from": "x@y"}}}, "matching regex"),
        ({"channels": {"a": {"type": "slack", "url": "https://h"}}, "rules": {"queue_odl": False}}, "'queue_old'?"),
        (
            {"channels": {"a": {"type": "slack", "url": "https://h"}}, "rules": {"queue_old": {"channels": ["b"]}}},
            "names channel 'b', and there are a",
        ),
        ({"channels": {"a": {"type": "slack", "url": "https://h"}}, "timezone": "Mars"}, "no time zone"),
        ({"channels": {"a": {"type": "slack", "url": "https://h"}}, "colour": 1}, "unknown field `colour`"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong_and_none_of_its_secrets(shop: Horarium, wrong: Any, why: str) -> None:
    with pytest.raises(ImproperlyConfigured) as raised:
        shop.conf.alerts = wrong
    assert why in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_the_setting_is_shown_nowhere(desk: Desk) -> None:
    assert desk.sink.url not in desk.app.conf.humanize(with_defaults=True)
    assert desk.sink.url not in repr(desk.app.conf.alerts)

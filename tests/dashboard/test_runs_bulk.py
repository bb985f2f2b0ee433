"""Acting on many runs: a dry run first, then an order in batches that can be stopped, and gone on with."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
import pytest
from front_desk import Asker, shown
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.dashboard.ask import Unanswerable
from horarium.dashboard.carrier import Carrier, carrier_of
from horarium.dashboard.rooms.runs import many
from horarium.engines.memory.notes import MemoryNotes
from horarium.engines.records import Note
from horarium.observe import bulk
from kept_runs import ended, record


def test_a_dry_run_counts_and_changes_nothing(shop: Horarium, asker: Asker) -> None:
    record(shop, *(ended(shop, f"r{n}") for n in range(3)))
    shop.tasks["shop.charge"].delay(1)
    context = shown(many.preview(asker.ask(query={"act": "retry-all", "q": "task:shop.charge"})))
    assert (context["trial"].matched, context["trial"].able) == (4, 3)
    assert context["trial"].reasons == (("it has not ended: it is PENDING", 1),)
    assert shop.engine.inspector.counts().states == {"FAILURE": 3, "PENDING": 1}


def test_all_that_match_are_run_again_and_each_is_accounted_for(shop: Horarium, client: TestClient) -> None:
    record(shop, *(ended(shop, f"r{number:03}", ago=1000 + number) for number in range(250)))
    at = str(shop.engine.now())
    form = {"act": "retry-all", "q": "state:failed", "at": at, "matched": "250"}
    assert client.post("/runs/bulk/start", data=form).status_code == 400  # the word is missing
    begun = client.post("/runs/bulk/start", data=form | {"word": "retry", "spread": "600"})
    assert carrier_of(shop).wait(20.0)
    page = client.get(begun.headers["location"])
    assert "Done: 250 of 250" in " ".join(page.text.split())
    assert shop.engine.inspector.counts().states == {"FAILURE": 250, "PENDING": 250}
    id = begun.headers["location"].rsplit("/", 1)[1]
    effects = [effect for part in range(3) for effect in bulk.effects_of(shop.engine, id, part)]
    assert {effect.id for effect in effects} == {f"r{number:03}" for number in range(250)}
    news = [run for run in shop.engine.results.read([effect.new for effect in effects]) if run is not None]
    etas = sorted((run.message.eta or 0) - int(at) for run in news)
    assert etas[-1] - etas[0] == 597_600  # 249 of 250 parts of ten minutes


def test_an_order_that_was_left_is_gone_on_with_and_sends_nothing_twice(
    shop: Horarium, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(shop, *(ended(shop, f"r{number:03}", ago=1000 + number) for number in range(250)))
    order = bulk.place(shop, bulk.Order(id="", act="retry", at=shop.engine.now(), q="state:failed", matched=250))
    mine = bulk.take(shop, order.id)
    assert mine is not None
    assert bulk.take(shop, order.id) is None  # somebody has it
    assert bulk.step(shop, order, mine) is not None
    monkeypatch.setattr(bulk, "SILENT", -1.0)  # as if it had been that long ago
    theirs = bulk.take(shop, order.id)
    assert theirs is not None
    assert bulk.step(shop, order, mine) is None  # it is not ours any more
    again = bulk.step(shop, order, msgspec.structs.replace(theirs, seen=0, after=None))  # as if the mark was lost
    assert again is not None
    stand: bulk.Stand | None = again
    while stand is not None and not stand.end:
        stand = bulk.step(shop, order, stand)
    assert stand is not None
    assert (stand.end, stand.seen) == ("done", 250)
    assert shop.engine.inspector.counts().states == {"FAILURE": 250, "PENDING": 250}


def test_an_order_whose_dashboard_died_before_it_began_is_shown_as_left(
    shop: Horarium, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = bulk.place(shop, bulk.Order(id="", act="retry", at=shop.engine.now(), matched=1))
    assert shown(many.order(asker.ask(parts={"id": order.id})))["word"] == "running"
    monkeypatch.setattr(bulk, "SILENT", -1.0)  # as if it had been that long ago
    assert shown(many.order(asker.ask(parts={"id": order.id})))["word"] == "left"
    assert bulk.take(shop, order.id) is not None


def test_each_batch_of_an_order_can_be_looked_at_and_the_newest_is_shown_first(shop: Horarium, asker: Asker) -> None:
    record(shop, *(ended(shop, f"r{number:03}", ago=1000 + number) for number in range(250)))
    order = bulk.place(shop, bulk.Order(id="", act="retry", at=shop.engine.now(), q="state:failed", matched=250))
    stand = bulk.take(shop, order.id)
    while stand is not None and not stand.end:
        stand = bulk.step(shop, order, stand)
    asked: tuple[tuple[str, int], ...] = (("", 2), ("0", 0), ("1", 1), ("2", 2), ("9", 2), ("x", 2))
    for given, place in asked:
        context = shown(many.order(asker.ask(parts={"id": order.id}, query={"part": given})))
        assert (context["place"], context["effects"]) == (place, bulk.effects_of(shop.engine, order.id, place)), given


def test_an_order_can_be_stopped_and_says_so(shop: Horarium, asker: Asker) -> None:
    record(shop, *(ended(shop, f"r{number:03}") for number in range(250)))
    order = bulk.place(shop, bulk.Order(id="", act="retry", at=shop.engine.now(), matched=250))
    stand = bulk.take(shop, order.id)
    assert stand is not None
    stand = bulk.step(shop, order, stand)
    assert stand is not None
    assert many.stop(asker.ask(parts={"id": order.id})).is_good
    stand = bulk.step(shop, order, stand)
    assert stand is not None
    assert (stand.end, stand.seen) == ("stopped", 100)
    assert shown(many.order(asker.ask(parts={"id": order.id})))["word"] == "stopped"
    assert not many.stop(asker.ask(parts={"id": order.id})).is_good


def test_selected_runs_are_cancelled_and_those_that_ended_are_told(shop: Horarium) -> None:
    waiting = shop.tasks["shop.charge"].delay(1)
    record(shop, ended(shop, "r1"))
    order = bulk.Order(id="", act="cancel", at=shop.engine.now(), ids=(waiting.id, "r1", "unknown"), matched=3)
    placed = bulk.place(shop, order)
    assert carrier_of(shop).carry(shop, placed.id)
    assert carrier_of(shop).wait(20.0)
    effects = {effect.id: effect for effect in bulk.effects_of(shop.engine, placed.id, 0)}
    assert effects[waiting.id].text == "cancelled"
    assert not effects["r1"].was_done
    assert bulk.orders(shop.engine, 5)[0][1].end == "done"


def test_those_that_match_no_more_when_their_turn_comes_are_told(shop: Horarium, client: TestClient) -> None:
    """Two people order the same, or a worker is faster."""
    waiting = [shop.tasks["shop.charge"].delay(number) for number in range(3)]
    order = bulk.place(shop, bulk.Order(id="", act="cancel", at=shop.engine.now(), q="state:waiting", matched=3))
    shop.control.revoke([waiting[0].id, waiting[1].id])
    assert carrier_of(shop).carry(shop, order.id)
    assert carrier_of(shop).wait(20.0)
    page = " ".join(client.get(f"/runs/bulk/{order.id}").text.split())
    assert "Done: 1 of 3" in page
    assert "1 done, 0 not. 2 no longer matched when their turn came." in page


def test_what_was_sent_after_the_dry_run_is_not_meant(shop: Horarium) -> None:
    record(shop, ended(shop, "before", ago=60_000), ended(shop, "after", ago=1000))
    order = bulk.Order(id="", act="retry", at=shop.engine.now() - 30_000, q="state:failed")
    assert bulk.dry_run(shop, order).matched == 1
    later = msgspec.structs.replace(order, q="state:failed before:3000-01-01")
    assert bulk.dry_run(shop, later).matched == 1


@pytest.mark.parametrize(
    "form", [{"act": "purge-all"}, {"act": "retry"}, {"act": "retry", "id": ["a"] * 1 + [str(n) for n in range(150)]}]
)
def test_an_order_that_makes_no_sense_is_refused(asker: Asker, form: dict[str, Any]) -> None:
    with pytest.raises(Unanswerable):
        many.look_first(asker.ask(form=form))


def test_a_dry_run_has_an_address_at_which_it_can_be_looked_at_again(shop: Horarium, client: TestClient) -> None:
    record(shop, *(ended(shop, f"r{n}") for n in range(3)))
    at = str(shop.engine.now())
    for form, text in (
        ({"act": "retry", "q": "x", "id": ["r0", "r2"]}, "Those 2 that were selected"),
        ({"act": "cancel-all", "q": "task:shop.charge args.0:'é & ?'"}, "task:shop.charge args.0:&#39;é &amp; ?&#39;"),
    ):
        answer = client.post("/runs/bulk/preview", data={**form, "at": at})
        assert answer.status_code == 303
        first, second = (client.get(answer.headers["location"]) for _ in range(2))
        assert first.status_code == 200 and text in first.text
        assert first.text.partition("<main")[2] == second.text.partition("<main")[2]
        assert f"at={at}" in answer.headers["location"]  # what came later is not meant, whenever one looks


def test_an_order_that_begins_while_another_does_is_waited_for_too(
    shop: Horarium, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [shop.tasks["shop.charge"].delay(number).id for number in range(2)]
    placed = [
        bulk.place(shop, bulk.Order(id="", act="cancel", at=shop.engine.now(), ids=(id,), matched=1)) for id in ids
    ]
    carrier, held, step, start = Carrier(), threading.Event(), bulk.step, threading.Thread.start

    def step_when_let(app: Horarium, order: bulk.Order, stand: bulk.Stand) -> bulk.Stand | None:
        assert order.id != placed[0].id or held.wait(20.0)
        return step(app, order, stand)

    def start_second_first(thread: threading.Thread) -> None:
        if thread.name == f"horarium-bulk-{placed[0].id[:8]}" and not rival.ident:
            start(rival)
            rival.join(0.5)  # it ends within this time, if nothing keeps it from meddling with what goes on here
        start(thread)

    monkeypatch.setattr(bulk, "step", step_when_let)
    monkeypatch.setattr(threading.Thread, "start", start_second_first)
    rival = threading.Thread(target=carrier.carry, args=(shop, placed[1].id), name="rival")
    try:
        assert carrier.carry(shop, placed[0].id)
        rival.join(20.0)
        assert not carrier.wait(0.2)
    finally:
        held.set()
    assert carrier.wait(20.0)


def test_only_the_orders_that_are_listed_are_read_whole(shop: Horarium, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = tuple(str(number) for number in range(500))
    for _ in range(30):
        bulk.place(shop, bulk.Order(id="", act="cancel", at=shop.engine.now(), ids=ids, matched=500))
    read: list[int] = []
    reading = MemoryNotes.read

    def counted(notes: MemoryNotes, prefix: str, *, now: int, last: int | None = None) -> list[Note]:
        found = reading(notes, prefix, now=now, last=last)
        read.append(sum(len(bytes(note.text)) for note in found))
        return found

    monkeypatch.setattr(MemoryNotes, "read", counted)
    assert len(bulk.orders(shop.engine, 5)) == 5
    assert sum(read) < 30_000  # 3 kB of each of five, and the stands

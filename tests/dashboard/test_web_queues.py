"""The pages of queues: how they stand and move, why each message waits, and what may be done."""

from __future__ import annotations

import re
from html import unescape

import pytest
from front_desk import Asker
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.app.switches import Switches
from horarium.dashboard.ask import Done, Unanswerable, part
from horarium.dashboard.person import Role
from horarium.dashboard.rooms import queues
from horarium.engines.records import Member
from horarium.outcome import State
from horarium.tally import Reading, Tally

STRANGE = "a/b?c#d%e&f"


def enlist(shop: Horarium, *names: str) -> None:
    common = {"name": "w1@vm", "host": "vm", "started": 5, "queues": names, "tasks": ("shop.charge",)}
    worker = Member(owner="o1", kind="worker", pid=7, **common)  # type: ignore[arg-type]
    child = Member(owner="o1c", kind="child", pid=8, slots=3, **common)  # type: ignore[arg-type]
    shop.engine.queue.renew([worker, child], now=shop.engine.now(), lease=60.0)


def test_each_queue_shows_its_depth_and_how_it_moves_row_119(shop: Horarium, client: TestClient) -> None:
    enlist(shop, "default")
    for number in range(3):
        shop.tasks["shop.charge"].delay(number)
    now = shop.engine.now()
    began = now - now % 10_000 - 120_000
    left = Tally(at=began, task="t", queue="default", counts={"succeeded": 300})
    ready = [Reading(at=began, queue="default", ready=63), Reading(at=now - 20_000, queue="default", ready=3)]
    shop.engine.series.add([left], ready, now=now)
    context = queues.listing(Asker(shop).ask()).context
    [row] = context["rows"]
    flow = context["flows"]["default"]["flow"]
    assert (row.counts.ready, row.slots, flow.left, flow.came, flow.until_empty) == (3, 3, 2.5, 2.0, 6.0)
    page = client.get("/queues").text
    assert "<polyline" in page and "w1@vm" in page


def test_a_queue_that_nobody_reads_is_a_warning(shop: Horarium, client: TestClient) -> None:
    enlist(shop, "default")
    shop.tasks["shop.charge"].apply_async((1,), queue="lonely")
    page = client.get("/queues").text
    assert "holds 1 message, and no live worker reads it" in page
    assert "horarium -A shop worker -Q lonely" in page


def test_each_message_says_why_it_waits(shop: Horarium, asker: Asker) -> None:
    enlist(shop, "default", "mail")
    charge = shop.tasks["shop.charge"]
    charge.apply_async((1,), queue="mail", countdown=3600)
    shop.send_task("shop.unknown", queue="mail")
    charge.apply_async((2,), queue="mail", priority=9)
    shop.engine.queue.claim(["mail"], "o1c", 1, now=shop.engine.now())
    context = queues.one(asker.ask(parts={"name": "mail"})).context
    said = {each.held.message.task + each.state: (each.why, each.owner) for each in context["waiting"]}
    assert said["shop.charge" + State.RECEIVED] == ("it is about to start", "w1@vm")
    assert said["shop.chargeSCHEDULED"] == ("its time has not come", "")
    assert said["shop.unknown" + State.PENDING][0].startswith("it waits for a worker that knows task 'shop.unknown'")


def test_pausing_says_who_and_why_wherever_it_waits(shop: Horarium, client: TestClient) -> None:
    shop.tasks["shop.charge"].delay(1)
    done = client.post("/queues/pause", data={"queue": "default", "reason": "the <b>gateway</b> moves"})
    assert (done.status_code, done.headers["location"]) == (303, "/queues/default")
    for path in ("/queues", "/queues/default"):
        page = client.get(path).text
        assert "aused by somebody" in page and "the &lt;b&gt;gateway&lt;/b&gt; moves" in page
    assert client.post("/queues/resume", data={"queue": "default"}).status_code == 303
    assert Switches(shop.connection).read().switches == ()


def test_resuming_what_is_not_paused_says_so(asker: Asker) -> None:
    done = queues.resume(asker.ask(form={"queue": "mail"}))
    assert not done.is_good and "was not paused" in done.text


def test_a_purge_asks_for_the_name(shop: Horarium, asker: Asker) -> None:
    shop.tasks["shop.charge"].delay(1)
    with pytest.raises(Unanswerable, match="Nothing was purged"):
        queues.purge(asker.ask(form={"queue": "default", "typed": "defualt"}))
    assert shop.engine.inspector.counts().queues["default"].ready == 1
    done = queues.purge(asker.ask(form={"queue": "default", "typed": "default"}))
    assert isinstance(done, Done)
    assert (done.to, done.before) == ("/queues", {"waiting": 1})  # nobody reads it, so it is no more
    assert shop.engine.inspector.counts().queues == {}


def test_who_may_do_what_is_the_routes_rule() -> None:
    roles = {route.path: route.role for route in queues.room.routes if route.is_change}
    assert roles == {"/queues/pause": Role.OPERATOR, "/queues/resume": Role.OPERATOR, "/queues/purge": Role.ADMIN}


def test_an_unknown_queue_is_gone(asker: Asker) -> None:
    with pytest.raises(Unanswerable, match="Nothing is known"):
        queues.one(asker.ask(parts={"name": "x"}))


def test_a_queue_of_any_name_has_a_page_that_is_live(shop: Horarium, client: TestClient) -> None:
    shop.tasks["shop.charge"].apply_async((1,), queue=STRANGE)
    page = client.get(f"/queues/{part(STRANGE)}")
    assert page.status_code == 200
    assert "view=%2Fqueues%2Fa%252Fb%253Fc%2523d%2525e%2526f" in page.text
    assert f'href="/queues/{part(STRANGE)}"' in client.get("/queues").text
    [address] = re.findall(r'href="(/runs[^"]*)">All its runs', page.text)
    assert "shop.charge" in client.get(unescape(address)).text


def test_no_page_lists_more_than_a_hundred_queues(shop: Horarium, asker: Asker) -> None:
    enlist(shop, *(f"q{number:03}" for number in range(150)))
    first = queues.listing(asker.ask()).context
    assert (len(first["rows"]), first["next"]) == (100, "q099")
    rest = queues.listing(asker.ask(query={"after": first["next"]})).context
    assert ([row.name for row in rest["rows"]][:2], rest["next"]) == (["q100", "q101"], None)


def test_a_long_queue_is_turned_over_page_by_page(shop: Horarium, asker: Asker) -> None:
    for number in range(queues.WAITING + 5):
        shop.tasks["shop.charge"].delay(number)
    first = queues.one(asker.ask(parts={"name": "default"})).context
    rest = queues.one(asker.ask(parts={"name": "default"}, query={"after": first["older"]})).context
    assert (len(first["waiting"]), len(rest["waiting"]), rest["older"]) == (queues.WAITING, 5, None)

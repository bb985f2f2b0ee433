"""The first page, and charts: what they say, and that what they say is bounded."""

from __future__ import annotations

import re
from html import unescape

import msgspec
import pytest
from front_desk import Asker
from msgspec.structs import replace
from starlette.testclient import TestClient

from horarium import Horarium, crontab
from horarium.dashboard.ask import Download, Unanswerable
from horarium.dashboard.rooms import charts, overview
from horarium.engines.records import Member
from horarium.observe.attention import Matter
from horarium.tally import BOUNDS, Reading, Tally, bin_of

HOSTILE = "<script>alert(1)</script>"


def text_of(page: str) -> str:
    """Return what of a page is to be read."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def work(shop: Horarium, **counts: int) -> None:
    """Let something have ended half a minute ago, and a worker be alive."""
    now = shop.engine.now()
    ran = [0] * (len(BOUNDS) + 1)
    ran[bin_of(0.3)] = sum(counts.values())
    tally = Tally(
        at=now - 30_000, task="shop.charge", queue="default", counts=counts, ran=tuple(ran), waited=tuple(ran)
    )
    shop.engine.series.add([tally], [Reading(at=now - 30_000, queue="default", ready=3, oldest=65.0)], now=now)
    enlist(shop, now)


def enlist(shop: Horarium, now: int) -> None:
    worker = Member(
        owner="o1",
        kind="worker",
        name="w1@vm",
        host="vm",
        pid=7,
        started=now - 40_000,
        queues=("default",),
        tasks=("shop.charge", "shop.add"),
    )
    shop.engine.queue.renew([worker], now=now, lease=60.0)


def test_before_anything_has_run_the_first_steps_tick_themselves(shop: Horarium, client: TestClient) -> None:
    def done() -> list[bool]:
        page = client.get("/", headers={"HX-Target": "live"}).text  # as it is sent while somebody looks
        return ["done" in each for each in re.findall(r'<li class="([^"]*)"><span class="sign"', page)]

    assert done() == [True, False, False, False]
    enlist(shop, shop.engine.now())
    assert done() == [True, True, False, False]
    shop.tasks["shop.charge"].delay(1)
    assert done() == [True, True, True, False]
    work(shop, succeeded=1)
    assert done() == []


def test_all_is_well_is_said_in_a_sentence(shop: Horarium, asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    work(shop, succeeded=60)
    context = overview.overview(asker.ask()).context
    private = [matter.cause for matter in context["attention"].matters]
    assert private == ["store-private"]  # a store in memory is no store for a fleet; nothing else is wrong
    assert [tile.value for tile in context["tiles"]] == ["60 /min", "0.0%", "485 ms", "–"]
    assert context["steps"] == []


def test_problems_stand_first_with_the_way_there(shop: Horarium, client: TestClient) -> None:
    work(shop, succeeded=1)
    shop.tasks["shop.charge"].apply_async((1,), queue="lonely")
    page = client.get("/").text
    sentence = re.search(r'id="health">(.*?)</p>', page, re.DOTALL)
    assert sentence is not None
    assert "2 problems" in text_of(sentence[1])
    assert 'href="/queues/lonely">queue &#39;lonely&#39; holds 1 message, but no live worker reads it' in sentence[1]
    assert "horarium -A shop worker -Q lonely" in page


@pytest.mark.parametrize(("name", "path"), [("nightly/etl", "/schedules/nightly%2Fetl"), ("new", "/schedules/~new")])
def test_what_a_schedule_needs_leads_to_that_schedule(name: str, path: str, shop: Horarium, client: TestClient) -> None:
    work(shop, succeeded=1)
    made, now = shop.schedules.create(name, "shop.charge", crontab(minute=30), args=(1,)), shop.engine.now()
    shop.engine.schedules.save([replace(made, next_fire=now - 3_600_000)], now=now)
    page = client.get("/").text
    lines = page[page.index('id="attention"') : page.index('id="hour"')]
    assert f'href="{path}">schedule &#39;{name}&#39; was due' in lines
    assert client.get(path).status_code == 200


def test_a_paused_task_and_a_paused_queue_lead_to_their_pages() -> None:
    for kind, name, path in (("task", "shop.charge", "/tasks/shop.charge"), ("queue", "a/b", "/queues/a%2Fb")):
        matter = Matter(cause=f"{kind}-paused", level="note", text="it is paused", about=name)
        assert overview.way(matter) == path


def test_what_is_foreign_is_shown_and_not_obeyed(shop: Horarium, client: TestClient) -> None:
    work(shop, succeeded=1)
    shop.send_task(HOSTILE, queue=HOSTILE)
    shop.schedules.create(HOSTILE, "shop.charge", crontab(), args=(1,))
    for path in ("/", "/queues", "/queues/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/charts/waiting?queue=" + HOSTILE):
        page = client.get(path)
        assert page.status_code == 200, path
        assert HOSTILE not in page.text, path
        assert "alert(1)" in page.text, path


def test_the_next_hour_names_what_fires_and_warns_of_crowds(shop: Horarium, client: TestClient) -> None:
    work(shop, succeeded=1)
    for number in range(6):
        shop.schedules.create(f"report-{number}", "shop.charge", crontab(minute=30), args=(1,))
    shop.schedules.create("often", "shop.charge", 10.0, args=(1,))
    page = client.get("/").text
    assert "(6 fires)" in text_of(page)
    assert "6 schedules in one minute" in page and "often</a> every 10 s" in page
    assert page.count("<rect") == 1


def test_nothing_on_it_is_new_with_the_clock_alone(shop: Horarium, asker: Asker, client: TestClient) -> None:
    work(shop, succeeded=5, failed=2)
    shop.tasks["shop.charge"].delay(1)

    def look() -> str:
        return client.get("/", headers={"HX-Target": "live"}).text

    while True:  # two looks within one span of ten seconds
        before, one, other, after = shop.engine.now(), look(), look(), shop.engine.now()
        if before // 10_000 == after // 10_000:
            break
    assert one == other


def test_a_charts_numbers_are_json_that_says_where_its_runs_are(shop: Horarium, asker: Asker) -> None:
    work(shop, succeeded=45, failed=15)
    answer = charts.numbers(asker.ask(parts={"name": "outcomes"}, query={"task": "shop.charge"}))
    assert isinstance(answer, Download)
    told = msgspec.json.decode(answer.body)
    succeeded, failed, *_ = told["lines"]
    assert (max(succeeded["values"]), max(failed["values"])) == (4.5, 1.5)
    assert failed["runs"] == "/runs?q=state%3Afailed+task%3Ashop.charge"
    assert len(told["at"]) == len(failed["values"])
    assert [mark["text"] for mark in told["marks"]] == ["1 worker started"]


def test_a_charts_times_have_the_zones_name_that_pages_have(shop: Horarium, asker: Asker) -> None:
    query = {"from": "2026-10-24T00:00Z", "to": "2026-10-26T00:00Z"}  # the clocks of Berlin go back in between
    ask = asker.ask(parts={"name": "outcomes"}, query=query, zone="Europe/Berlin")
    answer = charts.numbers(replace(ask, now=1_792_972_800_000))
    assert isinstance(answer, Download)
    told = msgspec.json.decode(answer.body)
    assert [name for _, name in told["zones"]] == ["CEST", "CET"]
    assert told["zones"][0][0] == told["at"][0] and told["zones"][1][0] == 1_792_890_000  # 01:00 UTC on the 25th


@pytest.mark.parametrize("name", ["outcomes", "run-times", "waiting", "wait-times", "depth"])
def test_every_chart_has_a_table_twin_that_needs_no_script(name: str, shop: Horarium, client: TestClient) -> None:
    work(shop, succeeded=6, failed=6)
    page = client.get(f"/charts/{name}?from=15m").text
    rows = re.findall(r'<td data-label="From"><time', page)
    assert 0 < len(rows) <= charts.ROWS
    figure = client.get("/" if name in overview.CHARTS else "/queues/default").text
    assert f"/charts/{name}" in figure or name in ("wait-times", "depth")


def test_a_table_is_cut_and_says_so(shop: Horarium, client: TestClient) -> None:
    work(shop, succeeded=6)
    page = client.get("/charts/outcomes?from=1h").text
    assert "older rows are left out" in page
    assert page.count('<td data-label="From">') == charts.ROWS


@pytest.mark.parametrize("asked", ["from=soon", "from=1h&to=2h", "from=%3Cb%3E", "from=999999999999999d"])
def test_a_time_that_makes_no_sense_is_refused_kindly(asked: str, client: TestClient) -> None:
    for path in ("/", "/charts/outcomes", "/charts/outcomes/numbers"):
        answer = client.get(f"{path}?{asked}")
        assert answer.status_code == 400
        assert "expected a time such as 6h" in answer.text or "expected a time that begins" in answer.text


def test_an_unknown_chart_is_gone(asker: Asker) -> None:
    with pytest.raises(Unanswerable, match="no such chart"):
        charts.one(asker.ask(parts={"name": "x"}))


def test_the_picker_keeps_what_else_is_asked(asker: Asker) -> None:
    ask = asker.ask(path="/charts/outcomes", parts={"name": "outcomes"}, query={"from": "6h", "task": "shop.charge"})
    drawn = charts.one(ask).context["drawn"]
    here = [each for each in drawn["ranges"] if each["is_here"]]
    assert [each["url"] for each in here] == ["/charts/outcomes?task=shop.charge&from=6h"]
    assert drawn["figures"][0]["numbers"] == "/charts/outcomes/numbers?from=6h&task=shop.charge"

"""The pages of runs: lists by a question, one run, running again and cancelling, one and many."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
import pytest
from front_desk import Asker, done, shown
from msgspec import Raw
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.dashboard.ask import Download, Shown, Unanswerable
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.runs import acting, exporting, grouped, listing, one, room, views
from horarium.message import derived_id
from horarium.observe.contents import Contents
from horarium.outcome import Attempt, ErrorRecord, Progress, Run
from kept_runs import ended, record

HOSTILE = '<script>alert(1)</script>"\u202e'


def rows(answer: object) -> list[str]:
    return [row.run.id for row in shown(answer)["rows"]]


def test_the_list_has_the_newest_first_and_leads_on_to_older_ones_and_back(shop: Horarium, asker: Asker) -> None:
    record(shop, *(ended(shop, f"r{number:03}", ago=1000 * number) for number in range(1, 121)))
    first = listing.listing(asker.ask())
    assert rows(first) == [f"r{number:03}" for number in range(1, 51)]
    query = _query(shown(first)["older"])
    second = listing.listing(asker.ask(query=query))
    third = listing.listing(asker.ask(query=_query(shown(second)["older"])))
    assert rows(third) == [f"r{number:03}" for number in range(101, 121)]
    assert shown(third)["older"] == ""
    back = listing.listing(asker.ask(query=_query(shown(third)["newer"])))
    assert rows(back) == rows(second)
    assert rows(listing.listing(asker.ask(query=_query(shown(back)["newer"])))) == rows(first)


def test_a_place_that_is_none_is_answered_with_a_way_on(shop: Horarium, asker: Asker) -> None:
    with pytest.raises(Unanswerable) as caught:
        listing.listing(asker.ask(query={"after": "'; DROP"}))
    assert caught.value.status == 400


def test_rows_stay_where_they_are_while_new_ones_come(shop: Horarium, asker: Asker) -> None:
    record(shop, ended(shop, "b"), ended(shop, "a", ago=90_000))
    first = listing.listing(asker.ask(query={"q": "task:shop.*"}))
    assert isinstance(first, Shown)
    assert first.live_view is not None
    record(shop, ended(shop, "c", "SUCCESS", ago=10_000), ended(shop, "other", task="x", ago=5000))
    record(shop, ended(shop, "a", "SUCCESS", ago=90_000))
    later = listing.listing(asker.ask(query=_query(first.live_view)))
    assert rows(later) == ["b", "a"]
    assert [row.state for row in shown(later)["rows"]] == ["FAILURE", "SUCCESS"]
    assert shown(later)["news"] == 1


def test_a_search_that_looks_into_runs_says_how_far_it_has_looked(
    shop: Horarium, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_SEARCHED", 40)
    record(shop, *(ended(shop, f"r{number:03}", ago=1000 * number) for number in range(1, 101)))
    page = listing.listing(asker.ask(query={"q": "error:r099"}))
    assert (rows(page), shown(page)["searched"]) == ([], 40)
    further = listing.listing(asker.ask(query=_query(shown(page)["older"])))
    last = listing.listing(asker.ask(query=_query(shown(further)["older"])))
    assert rows(last) == ["r099"]


def test_a_wrong_question_is_shown_with_its_place(client: TestClient) -> None:
    page = client.get("/runs", params={"q": "a state:faild"})
    assert page.status_code == 400
    assert "did you mean failed?" in unescape(page.text)
    assert "a state:faild\n        ^" in unescape(page.text)


def test_an_id_that_is_pasted_leads_to_its_run(shop: Horarium, client: TestClient) -> None:
    record(shop, ended(shop, "order/7 %"))
    answer = client.get("/runs", params={"q": '"order/7 %"'})
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs/order%2F7%20%25")
    assert "set-cookie" not in answer.headers
    page = client.get("/runs/order%2F7%20%25")
    assert page.status_code == 200
    assert "view=%2Fruns%2Forder%252F7%2520%2525" in page.text
    assert client.get("/runs/order%252F7%20%25").status_code == 404


def test_parts_of_a_question_can_be_left_out_one_by_one(asker: Asker) -> None:
    context = shown(listing.listing(asker.ask(query={"q": "state:failed task:a"})))
    assert [(text, _query(link)) for text, link in context["chips"]] == [
        ("state:failed", {"q": "task:a"}),
        ("task:a", {"q": "state:failed"}),
    ]
    [failed] = [pill for pill in context["pills"] if pill[0] == "FAILURE"]
    assert failed[3] is True
    assert _query(context["pills"][0][2]) == {"q": "task:a"}


def test_what_is_foreign_is_shown_as_text(shop: Horarium, client: TestClient) -> None:
    error = ErrorRecord(class_path=HOSTILE, text=HOSTILE, traceback=HOSTILE)
    raw = Raw(msgspec.json.encode([HOSTILE]))
    strange = ended(
        shop, HOSTILE, task=HOSTILE, queue=HOSTILE, schedule=HOSTILE, args=raw, error=error, worker=HOSTILE,
        logs=(HOSTILE,), attempts=(Attempt(number=1, worker=HOSTILE, outcome=HOSTILE, error=error),),
    )  # fmt: skip
    record(shop, strange)
    one_path = f"/runs/{quote(HOSTILE, safe='')}"
    paths = ["/runs", "/runs/grouped", "/runs/timeline", one_path, "/runs?q=%3Cscript%3E", "/runs?q=%22", "/tasks"]
    for path in paths:
        page = client.get(path).text
        assert "<script>alert" not in page, path
        assert "\u202e" not in re.sub(r'(value|data-copy|id)="[^"]*"', "", page), path
    assert "&lt;script&gt;alert(1)" in client.get(one_path).text


def test_failures_that_are_alike_are_told_together(shop: Horarium, asker: Asker) -> None:
    refused = [
        ended(shop, f"r{n}", ago=1000 * n, error=ErrorRecord(class_path="shop.GatewayError", text=f"order {n} refused"))
        for n in range(1, 4)
    ]
    other = ended(shop, "o", error=ErrorRecord(class_path="KeyError", text="'x'"))
    record(shop, *refused, other, ended(shop, "fine", "SUCCESS"))
    groups = shown(grouped.grouped(asker.ask()))["groups"]
    assert [(group.class_path, group.number) for group in groups] == [("shop.GatewayError", 3), ("KeyError", 1)]
    assert "error:shop.GatewayError" in _query(groups[0].link)["q"]
    assert grouped.fingerprint("order 7 of 0xdeadbeef\nmore") == "order # of #"


def test_an_export_is_whole_and_harmless_to_spreadsheets(shop: Horarium, asker: Asker) -> None:
    record(shop, ended(shop, "=cmd|'/c calc'!A0", args=Raw(b"[18446744073709551617]")), ended(shop, "b", task="x"))
    answer = exporting.export(asker.ask(query={"q": "task:shop.charge"}))
    assert isinstance(answer, Download)
    [line] = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert line["id"] == "'=cmd|'/c calc'!A0"
    assert line["args"] == "[18446744073709551617]"
    lines = exporting.export(asker.ask(query={"as": "jsonl"}))
    assert isinstance(lines, Download)
    assert len(lines.body.splitlines()) == 2
    with pytest.raises(Unanswerable):
        exporting.export(asker.ask(query={"as": "exe"}))


def test_a_view_is_saved_for_everybody_and_removed(shop: Horarium, asker: Asker) -> None:
    saved = views.save(asker.ask(form={"name": " Failed  today ", "q": "state:failed since:today"}))
    assert _query(saved.to) == {"q": "state:failed since:today"}
    [view] = views.saved(asker.ask())
    assert (view.name, view.by) == ("Failed today", "ana")
    with pytest.raises(Unanswerable):
        views.save(asker.ask(form={"name": "", "q": ""}))
    assert views.remove(asker.ask(form={"name": "Failed today"})).is_good
    assert not views.remove(asker.ask(form={"name": "Failed today"})).is_good


def test_a_runs_page_tells_all_that_is_known(shop: Horarium, client: TestClient) -> None:
    """Row 116."""
    error = ErrorRecord(class_path="shop.GatewayError", text="refused", traceback="Traceback: line 10")
    now = shop.engine.now()
    attempts = (
        Attempt(number=1, worker="w1@vm", outcome="retried", started=now - 9000, ended=now - 8000, error=error),
        Attempt(number=2, worker="w1@vm", outcome="failed", started=now - 6000, ended=now - 5000, error=error),
    )
    run = ended(shop, "r1", ago=10_000, attempts=attempts, error=error, logs=("charging 1115",), schedule="pay-sweep")
    child = ended(shop, "c1", "SUCCESS", task="shop.add", parent="r1")
    record(shop, msgspec.structs.replace(run, progress=Progress(done=3, total=4)), child)
    text = unescape(client.get("/runs/r1").text)
    for part in ("Traceback: line 10", "charging 1115", "pay-sweep", "/tasks/shop.charge", "1115", "shop.add", "#2"):
        assert part in text
    assert [span.kind for span in one.timeline_of(run)] == ["wait", "run", "pause", "run"]
    assert [span.seconds for span in one.timeline_of(run)] == [1.0, 1.0, 2.0, 1.0]
    raw = client.get("/runs/r1/raw")
    assert raw.headers["content-disposition"].startswith("attachment;")
    assert raw.json()["args"] == [1115]


def test_what_is_long_is_shown_in_part_and_can_be_had_whole(shop: Horarium, client: TestClient) -> None:
    long = msgspec.json.encode(["x" * 5000])
    record(shop, ended(shop, "r1", "SUCCESS", result=Raw(long)))
    page = client.get("/runs/r1").text
    assert "x" * 1000 in page
    assert "x" * 3000 not in page
    assert client.get("/runs/r1/part/result").content == long
    assert client.get("/runs/r1/part/secret").status_code == 404
    record(shop, ended(shop, "r2", "SUCCESS", result=Raw(msgspec.json.encode([1] * 600))))  # long only when indented
    assert "Download all of it" in client.get("/runs/r2").text


def test_what_is_too_long_to_be_looked_through_says_how_long_it_is_and_is_had_whole_all_the_same(
    shop: Horarium, client: TestClient
) -> None:
    long = msgspec.json.encode([{"city": "Köln", "password": "hunter2"}] * 10_000)  # 380 kB
    record(shop, ended(shop, "r1", "SUCCESS", result=Raw(long)))
    page = unescape(client.get("/runs/r1").text)
    assert '[{"city":"Köln"' in page and '\\"city' not in page
    assert f" … of {len(long):,} bytes" in page and "characters more" not in page
    whole = [{"city": "Köln", "password": "[redacted]"}] * 10_000
    assert client.get("/runs/r1/part/result").json() == whole == client.get("/runs/r1/raw").json()["result"]
    assert "hunter2" not in page


def test_a_waiting_run_says_why(shop: Horarium, client: TestClient) -> None:
    result = shop.tasks["shop.charge"].delay(1)
    assert (
        "no worker" in client.get(f"/runs/{result.id}/why").text
        or "none is alive" in client.get(f"/runs/{result.id}/why").text
    )
    assert "Why is it waiting" not in client.get("/runs/unknown/why").text


def test_a_run_that_is_gone_tells_when_its_id_was_made_and_where_to_go_on(client: TestClient) -> None:
    gone = client.get("/runs/0000018b-cfe5-7000-8000-000000000000")
    assert gone.status_code == 404
    for part in ("its id was made".capitalize(), "/tasks", "/schedules"):
        assert part in gone.text or part.lower() in gone.text.lower()


def test_a_run_that_is_gone_tells_how_long_runs_are_kept_and_until_when_it_would_have_been(
    shop: Horarium, client: TestClient
) -> None:
    gone = client.get("/runs/0000018b-cfe5-7000-8000-000000000000").text
    assert "kept for 1 d from their end" in gone
    assert 'until <time datetime="1970-01-02T07:12' in gone
    assert "still to come" not in gone
    shop.conf.result_failure_expires, shop.conf.keep_runs = 7 * 86_400.0, 5000
    gone = client.get("/runs/0000018b-cfe5-7000-8000-000000000000").text
    assert "failed ones for 7 d" in gone
    assert "5,000 of them at the most" in gone
    shop.conf.result_expires = None
    gone = client.get("/runs/0000018b-cfe5-7000-8000-000000000000").text
    assert "until there are too many" in gone
    assert "ended at once" not in gone


def test_who_looks_for_missed_runs_is_led_to_the_schedules(client: TestClient) -> None:
    assert client.get("/runs").text.count('href="/schedules?state=missed"') == 1
    assert 'href="/schedules?state=missed">Schedules that' in client.get("/runs?q=state:missed").text


def test_a_run_is_run_again_once_however_often_it_is_asked_for(shop: Horarium, asker: Asker) -> None:
    record(shop, ended(shop, "r1"))
    ask = asker.ask(parts={"id": "r1"})
    first = done(acting.retry(ask))
    assert first.to == f"/runs/{derived_id('again', 'r1', 0)}"
    with pytest.raises(Unanswerable) as caught:
        acting.retry(ask)
    assert caught.value.status == 409
    assert shop.engine.inspector.counts().states == {"FAILURE": 1, "PENDING": 1}
    shop.control.revoke(derived_id("again", "r1", 0))
    assert done(acting.retry(ask)).to == f"/runs/{derived_id('again', 'r1', 1)}"


@pytest.mark.parametrize(
    ("args", "kwargs", "words"),
    [
        ("[1", "{}", "to be JSON such as"),
        ("{}", "{}", "expected args to be JSON"),
        ("[1]", "[]", "expected kwargs to be JSON"),
        ("[1, 2, 3]", "{}", "expected a call of shop.charge"),
        ("[]", '{"nonsense": 1}', "expected a call of shop.charge"),
        ("[" * 100_000, "{}", "to be JSON such as"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_and_stay_in_the_form(
    shop: Horarium, asker: Asker, args: str, kwargs: str, words: str
) -> None:
    record(shop, ended(shop, "r1"))
    answer = acting.retry_with(asker.ask(parts={"id": "r1"}, form={"args": args, "kwargs": kwargs}))
    assert words in shown(answer)["trouble"]
    assert shown(answer)["args"] == args
    assert shop.engine.inspector.counts().states == {"FAILURE": 1}


def test_a_run_is_run_again_with_other_arguments_that_keep_their_digits(shop: Horarium, asker: Asker) -> None:
    record(shop, ended(shop, "r1"))
    form = {"args": "[18446744073709551617]", "kwargs": '{"card": "x"}'}
    answer = done(acting.retry_with(asker.ask(parts={"id": "r1"}, form=form)))
    [run] = shop.engine.results.read([answer.to.removeprefix("/runs/")])
    assert run is not None
    assert (bytes(run.message.args), bytes(run.message.kwargs)) == (b"[18446744073709551617]", b'{"card": "x"}')


def test_only_tasks_that_the_app_knows_take_other_arguments(shop: Horarium, asker: Asker) -> None:
    record(shop, ended(shop, "r1", task="os.system"))
    with pytest.raises(Unanswerable, match="does not know task"):
        acting.retry_with(asker.ask(parts={"id": "r1"}, form={"args": '["rm"]'}))


def test_what_may_not_be_seen_is_neither_shown_nor_found_but_sent_again_whole(
    shop: Horarium, asker: Asker, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden(_: Contents, run: Run) -> Run:
        message = msgspec.structs.replace(run.message, args=Raw(b'["(hidden)"]'))
        return msgspec.structs.replace(run, message=message, result=None, error=None, logs=(), attempts=())

    monkeypatch.setattr(Contents, "seen", hidden)
    error = ErrorRecord(class_path="E", text="hunter2", traceback="hunter2")
    tries = (Attempt(number=1, worker="w", outcome="failed", error=error),)
    record(shop, ended(shop, "r1", args=Raw(b'["hunter2"]'), error=error, logs=("hunter2",), attempts=tries))
    for path in (
        *("/runs", "/runs/grouped", "/runs/timeline", "/runs/r1", "/runs/r1/raw", "/runs/r1/part/args"),
        *("/runs/r1/part/log", "/runs/r1/part/traceback", "/runs/r1/again", "/tasks/shop.charge/lately"),
        *("/runs/export?as=csv", "/runs/export?as=json"),
    ):
        assert "hunter2" not in client.get(path).text, path
    for q in ("hunter2", "args.0:hunter*", "args.order:hunter2", "error:hunter"):
        assert rows(listing.listing(asker.ask(query={"q": q}))) == [], q
    form = {"args": '["(hidden)"]', "kwargs": '{"card": "x"}'}
    answer = done(acting.retry_with(asker.ask(parts={"id": "r1"}, form=form)))
    [run] = shop.engine.results.read([answer.to.removeprefix("/runs/")])
    assert run is not None
    assert (bytes(run.message.args), bytes(run.message.kwargs)) == (b'["hunter2"]', b'{"card": "x"}')


def test_a_mask_is_never_sent_in_place_of_a_secret(shop: Horarium, asker: Asker) -> None:
    record(shop, ended(shop, "r1", args=Raw(b"[1]"), kwargs=Raw(b'{"card": "4111111111111111"}')))
    context = shown(acting.edit(asker.ask(parts={"id": "r1"})))
    assert "[redacted]" in context["kwargs"]
    form = {"args": "[2]", "kwargs": context["kwargs"]}
    sent = done(acting.retry_with(asker.ask(parts={"id": "r1"}, form=form)))
    [run] = shop.engine.results.read([sent.to.removeprefix("/runs/")])
    assert run is not None
    assert bytes(run.message.kwargs) == b'{"card": "4111111111111111"}'
    moved = {"args": "[]", "kwargs": '{"order": "[redacted]"}'}
    answer = acting.retry_with(asker.ask(parts={"id": "r1"}, form=moved))
    assert "stands for what is not shown" in shown(answer)["trouble"]


def test_a_run_is_cancelled_and_what_has_ended_is_not(shop: Horarium, asker: Asker) -> None:
    result = shop.tasks["shop.charge"].delay(1)
    assert acting.cancel_one(asker.ask(parts={"id": result.id})).text == "Cancelled"
    with pytest.raises(Unanswerable) as caught:
        acting.terminate(asker.ask(parts={"id": result.id}))
    assert caught.value.status == 409


def test_every_change_of_runs_needs_an_operator() -> None:
    changes = [route for route in room.routes if route.is_change]
    assert len(changes) == 12
    assert {route.role for route in changes} == {Role.OPERATOR}


def _query(link: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(link).query))


def test_states_are_counted_only_so_far_as_people_need_it(shop: Horarium, asker: Asker) -> None:
    record(shop, ended(shop, "r1"))
    context = shown(listing.listing(asker.ask()))
    assert {state: number for state, _, _, _, number in context["pills"]}["FAILURE"] == "1"

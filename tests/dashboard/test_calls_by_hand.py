"""Runs that people send from a page: any task, or a schedule's with other arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from front_desk import Asker, done, shown
from msgspec import Raw
from starlette.testclient import TestClient
from timed_shop import audited, timed_shop

from horarium import Horarium
from horarium.clock import ManualClock
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.runs import calling
from horarium.dashboard.rooms.schedules import trying
from horarium.engines.records import Page, RunFilter
from horarium.outcome import Run


@pytest.fixture
def shop(clock: ManualClock) -> Iterator[Horarium]:
    with timed_shop(clock) as app:
        yield app


def kept(shop: Horarium) -> tuple[Run, ...]:
    return shop.engine.results.search(RunFilter(), Page()).runs


def test_a_task_is_sent_as_the_form_says(shop: Horarium, client: TestClient) -> None:
    page = client.get("/runs/new?task=shop.charge").text
    assert 'value="shop.charge"' in page
    form = {"task": "shop.charge", "args": "[7]", "kwargs": '{"gently": true}', "queue": "mail", "countdown": "5m"}
    form |= {"key": re.findall(r'name="key" value="([\w-]+)"', page)[0], "reason": "a customer asked"}
    led = client.post("/runs/new", data=form)
    [run] = kept(shop)
    assert led.headers["location"] == f"/runs/{run.id}"
    message = run.message
    assert (message.task, message.queue, bytes(message.args)) == ("shop.charge", "mail", b"[7]")
    assert bytes(message.kwargs) == b'{"gently":true}'
    assert message.due - message.created == 300_000
    [entry] = [entry for entry in audited(shop) if entry.action == "runs.call"]
    assert (entry.reason, entry.after) == ("a customer asked", "shop.charge")


def test_a_second_click_sends_nothing_more_and_leads_to_the_same_run(shop: Horarium, asker: Asker) -> None:
    form = {"task": "shop.charge", "args": "[7]", "kwargs": "{}", "key": "one"}
    first, second = done(calling.call(asker.ask(form=form))), done(calling.call(asker.ask(form=form)))
    assert first.to == second.to
    assert len(kept(shop)) == 1
    others = ({"key": "other"}, {"args": "[8]"}, {"key": ""}, {"key": ""})
    assert len({first.to, *(done(calling.call(asker.ask(form=form | other))).to for other in others)}) == 5


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("task", "", "expected the name of a task"),
        ("task", "shop.chrage", "shop.charge"),
        ("args", "[7", "expected args to be JSON"),
        ("args", "{}", "expected args to be JSON such as [1115]"),
        ("args", "[]", "order"),
        ("args", f"[{'1' * 300_000}]", "at most 262,144 characters"),
        ("kwargs", "[]", "expected kwargs to be JSON"),
        ("countdown", "soon", "expected a number of seconds"),
    ],
)
def test_what_cannot_be_sent_is_told_at_its_field(
    shop: Horarium, asker: Asker, field: str, value: str, said: str
) -> None:
    form = {"task": "shop.charge", "args": "[7]", "kwargs": "{}", field: value}
    context = shown(calling.call(asker.ask(form=form)))
    assert said in context["wrong"][field]
    assert list(context["wrong"]) == [field]
    assert context["values"][field] == value
    assert kept(shop) == ()


def test_a_viewer_is_offered_no_new_run(shop: Horarium, client: TestClient) -> None:
    assert 'href="/runs/new"' in client.get("/runs").text
    [route] = [each for each in calling.room.routes if each.name == "runs.new"]
    assert route.role is Role.OPERATOR


def test_a_schedule_is_run_with_other_arguments_and_stays_as_it_is(shop: Horarium, client: TestClient) -> None:
    before = shop.schedules.create("eu", "shop.charge", 3600.0, [7])
    assert "[7]" in client.get("/schedules/eu/with").text
    led = client.post("/schedules/eu/with", data={"args": "[8]", "kwargs": '{"gently": true}'})
    [run] = kept(shop)
    assert led.headers["location"] == f"/runs/{run.id}"
    message = run.message
    assert (message.schedule, bytes(message.args), bytes(message.kwargs)) == ("eu", b"[8]", b'{"gently":true}')
    assert message.cause is not None and message.cause.kind == "manual"
    after = shop.schedules.get("eu")
    assert (after.args, after.kwargs, after.version, after.next_fire) == (
        before.args,
        before.kwargs,
        before.version,
        before.next_fire,
    )


def test_masked_arguments_of_a_schedule_are_sent_whole_or_not_at_all(shop: Horarium, asker: Asker) -> None:
    @shop.task(name="shop.pay")
    def pay(order: int, password: str) -> None: ...

    shop.schedules.create("pay", "shop.pay", 3600.0, [7], {"password": "4711"})
    parts = {"name": "pay"}
    texts = shown(trying.run_form(asker.ask(parts=parts)))["texts"]
    assert "4711" not in texts["kwargs"]
    done(trying.run_with(asker.ask(parts=parts, form={"args": "[8]", "kwargs": texts["kwargs"]})))
    [run] = kept(shop)
    assert run.message.kwargs == Raw(b'{"password":"4711"}')
    masked = texts["kwargs"].replace("}", ', "order": 9}')
    context = shown(trying.run_with(asker.ask(parts=parts, form={"args": "[]", "kwargs": masked})))
    assert "stands for what is not shown" in context["trouble"]
    assert len(kept(shop)) == 1


@pytest.mark.parametrize("args", ["[", "{}", "[1, 2, 3]"])
def test_arguments_that_do_not_fit_are_told_and_nothing_runs(shop: Horarium, asker: Asker, args: str) -> None:
    shop.schedules.create("eu", "shop.charge", 3600.0, [7])
    context = shown(trying.run_with(asker.ask(parts={"name": "eu"}, form={"args": args, "kwargs": "{}"})))
    assert context["trouble"]
    assert context["texts"]["args"] == args
    assert kept(shop) == ()

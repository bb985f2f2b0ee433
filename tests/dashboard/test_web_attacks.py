"""What an attacker tries who has a role already, or has none: each of these has once worked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import pytest
from front_desk import Asker, in_a_loop
from gate import asking, known_as, logged_in, proof_of
from msgspec import Raw
from shop_floor import ended
from sse_starlette import ServerSentEvent
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.alerts.book import Incident, Notice
from horarium.alerts.messages import message_of
from horarium.dashboard.access import Door, User, hashed
from horarium.dashboard.access.secret import is_proof
from horarium.dashboard.access.sessions import Sessions
from horarium.dashboard.api import watch
from horarium.dashboard.ask import Unanswerable
from horarium.dashboard.person import Open, Role
from horarium.dashboard.rooms import monitor, queues
from horarium.dashboard.rooms.runs import exporting
from horarium.dashboard.streams import MOST, Streams
from horarium.worker.answers import settings_of

V1 = "/api/v1"


def test_what_schedules_pass_to_tasks_and_who_has_passwords_is_in_no_list_of_settings() -> None:
    """The pages of settings, and what workers tell of theirs to whoever asks by Flower's API, are for viewers."""
    kept = hashed("hunter2")
    with Horarium("x", store="memory://", dashboard_users={"ann": ("admin", kept)}, set_as_current=False) as app:

        @app.task(redact=("iban",))
        def pay(iban: str, card: str) -> None: ...

        passed = {"args": ("DE89 3704",), "kwargs": {"card": "4111111111111111"}}
        app.conf.beat_schedule = {"nightly": {"task": pay.name, "schedule": 60.0, **passed}}
        station: Any = SimpleNamespace(app=app)
        client = asking(app, Open(Role.VIEWER))
        told = [str(settings_of(station)), client.get("/settings/about").text, client.get("/settings/keeping").text]
        for secret in (kept.split("$")[2], "DE89", "4111111111111111"):
            assert not any(secret in text for text in told)
        assert "nightly" in told[0] and "nightly" in told[1]


@pytest.mark.parametrize("q", ["args.password:*e*", "args.password:??????????", "args.url:*ed*@db"])
def test_a_secret_is_not_told_letter_by_letter_by_what_finds_it(client: TestClient, shop: Horarium, q: str) -> None:
    """A question fits a run by what may be seen of it; letters of the mask are no letters of the secret."""
    kwargs = Raw(b'{"password":"dacteabcde","url":"amqp://me:hunter-ed@db","order":7}')
    ended(shop, "paid", kwargs=kwargs, state="FAILURE")
    assert client.get(f"{V1}/runs", params={"q": q}).json()["items"] == []
    found = client.get(f"{V1}/runs", params={"q": "args.url:amqp://*@db args.order:7"}).json()["items"]
    assert [run["id"] for run in found] == ["paid"]


def test_those_who_ask_for_streams_in_the_same_moment_get_no_more_than_others() -> None:
    """A stream is counted when it begins, which is after the question whether there are too many."""

    async def events() -> AsyncIterator[ServerSentEvent]:
        for _ in range(3):
            yield ServerSentEvent(data="x")

    async def look() -> None:
        streams, counter = Streams(), watch.Counter[str]()
        for opened in (
            [streams.counted("ana", events()) for _ in range(MOST + 3)],
            [watch._counted(counter, "ana", events()) for _ in range(MOST + 3)],
        ):
            begun = [await anext(each, None) is not None for each in opened]
            assert begun == [True] * MOST + [False] * 3
        for each in opened:
            await each.aclose()  # type: ignore[attr-defined]  # generators, both
        assert counter["ana"] == 0

    in_a_loop(look())


def test_a_backfill_is_for_those_who_may_make_schedules(shop: Horarium, client: TestClient) -> None:
    """It makes one; the page asks for an editor too."""
    client.post(f"{V1}/schedules", json={"name": "often", "task": "shop.add", "args": [1, 2], "schedule": 60})
    asked = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T01:00:00Z", "dry_run": True}
    for role, status in ((Role.OPERATOR, 403), (Role.EDITOR, 200)):
        theirs = asking(shop, known_as(role))
        answer = theirs.post(f"{V1}/schedules/often/backfill", json=asked, headers={"horarium-csrf": "the proof"})
        assert answer.status_code == status, answer.text


def test_the_mask_never_takes_the_place_of_a_secret_by_the_api(shop: Horarium, client: TestClient) -> None:
    """Whoever reads a schedule and sends it back changed has only seen the mask."""
    path = f"{V1}/schedules/nightly"
    made = {"name": "nightly", "task": "shop.charge", "args": [1], "kwargs": {"card": "4111111111111111"}}
    assert client.post(f"{V1}/schedules", json={**made, "schedule": 60}).status_code == 201
    seen = client.get(path).json()
    answer = client.patch(path, json={"kwargs": seen["kwargs"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "masked_value")
    assert client.patch(path, json={"args": [2]}).status_code == 200
    assert b"4111111111111111" in bytes(shop.schedules.get("nightly").kwargs)


@pytest.mark.parametrize("after", ["x", "\0", "[1]", "9" * 400, "{}"])
def test_a_place_that_nobody_gave_is_no_failure_of_ours(tmp_path: Any, after: str) -> None:
    with Horarium("shop", store=f"sqlite:///{tmp_path}/shop.db", set_as_current=False) as app:
        app.send_task("shop.add", (1, 2), queue="mail")
        asker = Asker(app)
        with pytest.raises(Unanswerable):
            queues.one(asker.ask(parts={"name": "mail"}, query={"after": after}))
        with pytest.raises(Unanswerable):
            monitor.events(asker.ask(query={"after": after}))


def test_no_cell_of_exported_runs_is_a_formula_in_any_script(shop: Horarium, asker: Asker) -> None:
    ended(shop, "paid", state="FAILURE", task="＝cmd|' /C calc'!A0")
    [_, row] = exporting.export(asker.ask()).body.decode().splitlines()
    assert ",'＝cmd" in row


def test_flowers_api_takes_no_endless_search_and_no_name_that_cannot_be_one(client: TestClient) -> None:
    assert client.get("/api/tasks", params={"search": "a " * 600}).status_code == 400
    for path in ("send-task", "revoke", "abort"):
        for name in ("a%00b", "x" * 300):
            assert client.post(f"/api/task/{path}/{name}").status_code == 400, (path, name)


def test_nobody_writes_a_line_of_their_own_into_the_log_of_refusals(shop: Horarium, caplog: Any) -> None:
    client = asking(shop, Door(shop, users={"ann": User("ann", Role.ADMIN, hashed("hunter2"))}))
    name = "bob\n2026-11-28 admin logged in\u2028"
    client.post("/login", data={"name": name, "password": "x"})
    client.get("/runs", auth=(name, "x"))
    client.get("/api/task/info/a%0Ab")
    told = [record.getMessage() for record in caplog.records if record.name == "horarium.web"]
    assert len(told) >= 3 and not any(text.splitlines()[1:] for text in told)


def test_a_name_of_several_lines_is_one_line_of_a_mails_subject() -> None:
    """A mail cannot be made with it; the alert would be tried again for ever, and all behind it wait."""
    incident = Incident(rule="queue_old", subject="mail\nBcc: eve@evil.example\u2028x", text="a\nb", since=0, seen=0)
    notice = Notice(occasion="firing", rule="queue_old", group="", incidents=(incident,), since=0)
    message = message_of(notice, app="shop", now=1000, zone="UTC")
    EmailMessage()["Subject"] = message.title
    assert len(message.title.splitlines()) == 1 and len(message.body.splitlines()) == 2


@pytest.mark.parametrize(
    "host", ["[::1].evil.example", "127.0.0.1@evil.example", "127.0.0.1.evil.example", "127.0.0.1 x"]
)
def test_no_name_only_looks_like_ours(shop: Horarium, host: str) -> None:
    client = asking(shop, Open(), hosts=("127.0.0.1", "::1"))
    assert client.get("/settings", headers={"Host": host}).status_code == 421
    assert [client.get("/settings", headers={"Host": own}).status_code for own in ("[::1]:80", "127.0.0.1")] == [
        200,
        200,
    ]


def test_a_record_of_the_audit_is_as_long_as_a_person_writes(shop: Horarium, client: TestClient) -> None:
    form = {"queue": "q" * 400_000, "reason": "r" * 400_000}
    assert client.post("/queues/pause", data=form).status_code == 303
    [note] = shop.engine.notes.read("audit/", now=shop.engine.now())
    assert b"queues.pause" in bytes(note.text) and len(bytes(note.text)) < 5000


def test_what_a_compressed_page_holds_beside_reflected_text_is_never_twice_the_same(shop: Horarium) -> None:
    """Whoever makes a browser ask for pages and sees how long they are could else guess the proof letter by letter."""
    client = logged_in(shop)
    kept = Sessions(shop).read(next(iter(client.cookies.values())), now=shop.engine.now())
    pages = [client.get("/settings").text for _ in range(2)]
    assert kept is not None and not any(kept.csrf in page for page in pages)
    one, other = (proof_of(client)["horarium-csrf"] for _ in range(2))
    assert one != other
    assert is_proof(one, kept.csrf) and is_proof(other, kept.csrf)
    assert client.post("/settings/me", data={"horarium-csrf": one}).status_code == 303
    for wrong in ("", one[:-4], one[:-4] + "AAAA", "é", "=" * 40):
        assert client.post("/settings/me", data={"horarium-csrf": wrong}).status_code == 403

"""The admin's pages of runs, queues and workers, asked as a browser asks them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote as percent
from urllib.parse import urlencode

import msgspec
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils import timezone
from msgspec import Raw
from pages_scene import HOSTILE, make_runs

from horarium import Horarium
from horarium.app.current import chosen
from horarium.engines.memory import MemoryEngine
from horarium.message import Message
from horarium.outcome import ErrorRecord, Run, State

RUNS, QUEUES, WORKERS = "/admin/horarium/run/", "/admin/horarium/queue/", "/admin/horarium/worker/"
RIGHTS = (
    "view_run",
    "retry_run",
    "revoke_run",
    "view_queue",
    "pause_queue",
    "purge_queue",
    "view_worker",
    "control_worker",
)
POSTS: tuple[tuple[str, str, str, str], ...] = (
    (RUNS, "retry", "failed", "retry_run"),
    (RUNS, "revoke", "waiting", "revoke_run"),
    (RUNS, "terminate", "running", "revoke_run"),
    (QUEUES, "pause", "gpu", "pause_queue"),
    (QUEUES, "resume", "mail", "pause_queue"),
    (QUEUES, "purge", "mail", "purge_queue"),
    (WORKERS, "stop", "pages-worker", "control_worker"),
)
pytestmark = pytest.mark.django_db


@pytest.fixture
def app() -> Iterator[Horarium]:
    with Horarium("pages", engine=MemoryEngine(), set_as_current=False) as app, chosen(app):
        yield app


@pytest.fixture
def ids(app: Horarium) -> dict[str, str]:
    return make_runs(app)


@pytest.fixture
def boss() -> Client:
    return _client(User.objects.create_superuser("ana"))


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _staff(*rights: str) -> Client:
    user = User.objects.create_user(f"staff {len(rights)} {'-'.join(rights)}"[:150], is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return _client(user)


def _text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


def _post(client: Client, path: str, action: str, *keys: str, **fields: str) -> Any:
    return client.post(path, {"action": action, "_selected_action": keys, **fields}, follow=True)


def _told(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def _page_of(path: str, key: str) -> str:
    return f"{path}{percent(quote(key))}/change/"


def test_each_page_answers(boss: Client, ids: dict[str, str]) -> None:
    paths = ["/admin/", "/admin/horarium/", RUNS, QUEUES, WORKERS, f"{RUNS}?state=FAILURE&period=24h"]
    paths += [_page_of(RUNS, id) for id in ids.values()]
    paths += [_page_of(QUEUES, name) for name in ("mail", "default", "gpu")] + [_page_of(WORKERS, "pages-worker")]
    for path in paths:
        assert "Horarium" in _text(boss, path)


def test_the_run_page_shows_what_is_known(boss: Client, ids: dict[str, str]) -> None:
    text = _text(boss, _page_of(RUNS, ids["failed"]))
    for known in (
        "shop.tasks.charge", "pay, priority 8", "media@web-2", "charge cards", "soft 20 s, hard 30 s",
        "attempt 3 failed after 173 ms", "gateway refused order 1010", "/srv/shop/gateway.py", "attempt 3 of 3",
        "90071992547409931234567",
    ):  # fmt: skip
        assert known in text, known
    assert "34 of 50" in _text(boss, _page_of(RUNS, ids["running"]))
    assert "paused by ana" in _text(boss, _page_of(RUNS, ids["waiting"]))
    assert "has sent" in _text(boss, _page_of(RUNS, ids["parent"]))


def test_foreign_text_is_shown_and_never_obeyed(boss: Client, ids: dict[str, str], app: Horarium) -> None:
    queue = HOSTILE + "/&?%\u00e9"
    message = Message(id=f"id {HOSTILE}/../é", task=HOSTILE, created=app.engine.now(), queue=queue)
    app.engine.queue.put([message], now=app.engine.now())
    paths = [
        RUNS, QUEUES, _page_of(RUNS, ids["hostile"]), _page_of(RUNS, message.id), _page_of(QUEUES, queue),
        f"{RUNS}?{urlencode({'q': HOSTILE, 'task': HOSTILE, 'state': HOSTILE, 'schedule': HOSTILE})}",
    ]  # fmt: skip
    for path in paths:
        text = _text(boss, path)
        assert "<script>alert" not in text and "<img src=x" not in text, path
        seen = re.sub(r'value="[^"]*"', "", text)  # what a form sends back is no text to read
        assert "\x1b" not in seen and "\u202e" not in seen, path
    shown = _text(boss, _page_of(RUNS, ids["hostile"]))
    assert "\\x1b[31mred" in shown and "\\u202eevil" in shown
    assert "123456789012345678901234567890" in shown
    assert "characters more" in shown and len(shown) < 60_000
    answer = _post(boss, QUEUES, "pause", quote(queue), reason=HOSTILE)
    assert answer.status_code == 200 and "<script>alert" not in answer.content.decode()
    assert app.engine.notes.read("switch:queue:", now=app.engine.now())


@pytest.mark.parametrize("query", ["after=nonsense", "after=99999999999999999999:x", "period=x", "q=%00%ff", "state=X"])
def test_a_wrong_address_shows_a_list(boss: Client, ids: dict[str, str], query: str) -> None:
    assert boss.get(f"{RUNS}?{query}").status_code == 200


def test_pages_follow_one_another_without_a_gap(boss: Client, app: Horarium) -> None:
    now = app.engine.now()
    sent = [Message(id=f"run-{n}", task="shop.tasks.add", created=now - n // 3) for n in range(120)]
    app.engine.queue.put(sent, now=now)
    seen: list[str] = []
    path: str | None = RUNS
    while path is not None:
        context = boss.get(path).context
        seen += [row.run.id for row in context["rows"]]
        assert len(seen) <= len(sent)
        path = RUNS + context["older"] if context["older"] else None
    assert sorted(seen) == sorted(message.id for message in sent)


def test_runs_are_found_by_what_they_are(boss: Client, ids: dict[str, str]) -> None:
    def found(**asked: str) -> set[str]:
        rows = boss.get(RUNS, asked).context["rows"]
        return {(row.run.message.task, row.run.state) for row in rows} if rows else set()

    assert {state for _, state in found(state="FAILURE")} == {"FAILURE"}
    assert {task for task, _ in found(task="shop.tasks.remind")} == {"shop.tasks.remind"}
    assert found(schedule="charge cards") == {("shop.tasks.charge", "FAILURE")}
    assert found(queue="gpu") == {("shop.tasks.train", "PENDING")}
    assert found(q=ids["failed"][:12]) == {("shop.tasks.charge", "FAILURE")}
    assert (f"shop.{HOSTILE}", "FAILURE") not in found(period="1h")
    assert boss.get(RUNS, {"q": ids["failed"]}).headers["Location"] == _page_of(RUNS, ids["failed"])
    assert "Clear all" in _text(boss, f"{RUNS}?task=nobody") and "No run matches" in _text(boss, f"{RUNS}?task=nobody")


def test_a_failed_run_is_run_again_and_the_log_says_by_whom(boss: Client, ids: dict[str, str], app: Horarium) -> None:
    before = {run.id for run in _all(app)}
    answer = _post(boss, RUNS, "retry", ids["failed"], ids["waiting"], "unknown")
    [again] = [run for run in _all(app) if run.id not in before]
    assert again.message.headers["retry_of"] == ids["failed"] and again.state == State.PENDING
    done, waiting, unknown = _told(answer)
    assert f'<a href="{_page_of(RUNS, again.id)}">sent again as {again.id}</a>' in done
    assert "not sent again: it has not ended" in waiting and "nothing is known of it" in unknown
    [entry] = LogEntry.objects.all()
    assert (entry.user.username, entry.object_id) == ("ana", ids["failed"])
    assert entry.get_change_message() == f"sent again as {again.id}"
    assert entry.get_admin_url() == _page_of(RUNS, ids["failed"])
    assert "sent again as" in _text(boss, f"{RUNS}{ids['failed']}/history/")
    assert "repeats" in _text(boss, _page_of(RUNS, again.id))


def test_what_waits_is_cancelled_and_what_runs_is_marked(boss: Client, ids: dict[str, str], app: Horarium) -> None:
    told = _told(_post(boss, RUNS, "revoke", ids["waiting"], ids["failed"]))
    assert told[0].endswith(": cancelled") and told[1].endswith("not cancelled: it had ended already: failed")
    told = _told(_post(boss, _page_of(RUNS, ids["running"]), "terminate"))
    assert "its process is told to stop it" in told[0]
    waiting, running = app.engine.results.read([ids["waiting"], ids["running"]])
    assert waiting is not None and waiting.state == State.REVOKED
    assert running is not None and running.cancel == "terminate"
    assert LogEntry.objects.count() == 2


def test_a_purge_asks_first(boss: Client, ids: dict[str, str], app: Horarium) -> None:
    asked = _post(boss, QUEUES, "purge", "mail")
    assert "12 waiting runs end as cancelled" in asked.content.decode()
    assert app.engine.inspector.counts().queues["mail"].ready == 12 and not LogEntry.objects.exists()
    told = _told(_post(boss, QUEUES, "purge", "mail", confirmed="yes"))
    assert told == ["queue mail: purged: 12 runs cancelled"]
    assert "mail" not in app.engine.inspector.counts().queues


def test_a_queue_is_paused_and_resumed_from_its_page(boss: Client, app: Horarium, ids: dict[str, str]) -> None:
    told = _told(_post(boss, _page_of(QUEUES, "gpu"), "pause", reason="no cards"))
    assert told == ["queue gpu: paused: no cards"]
    assert "Paused by ana" in _text(boss, _page_of(QUEUES, "gpu"))
    assert _told(_post(boss, QUEUES, "resume", "gpu", "media")) == [
        "queue gpu: resumed", "queue media: it was not paused",
    ]  # fmt: skip


def test_workers_are_listed_and_told_to_stop(boss: Client, ids: dict[str, str], app: Horarium) -> None:
    text = _text(boss, WORKERS)
    for known in ("media@web-2", "web-2, pid 2208", "1 of 4", "shop.tasks.render_film", "8412", "1 worker alive"):
        assert known in text, known
    assert "1 run may finish" in _post(boss, WORKERS, "stop", "pages-worker").content.decode()
    told = _told(_post(boss, WORKERS, "stop", "pages-worker", "gone", confirmed="yes"))
    assert "is told to stop" in told[0] and "only a live worker" in told[1]
    assert b"shutdown" in b"".join(bytes(note.text) for note in app.engine.notes.read("command/", now=app.engine.now()))


def test_without_the_right_to_view_there_is_no_page_row_104(ids: dict[str, str]) -> None:
    nobody = _staff()
    for path in (RUNS, QUEUES, WORKERS, _page_of(RUNS, ids["failed"]), f"{RUNS}{ids['failed']}/history/"):
        assert nobody.get(path).status_code == 403, path
    assert "horarium" not in _text(nobody, "/admin/").lower().replace("horarium-", "")
    assert Client().get(RUNS).status_code == 302


@pytest.mark.parametrize(("path", "action", "key", "right"), POSTS)
def test_each_action_has_its_own_right_row_104(
    ids: dict[str, str], path: str, action: str, key: str, right: str
) -> None:
    key = ids.get(key, key)
    others = [each for each in RIGHTS if each != right]
    client = _staff(*others)
    for place in (path, _page_of(path, key)):
        assert f"needs horarium.{right}" in _text(client, place)
        assert client.post(place, {"action": action, "_selected_action": key, "confirmed": "yes"}).status_code == 403
    assert not LogEntry.objects.exists()
    allowed = _staff(right, f"view_{path.split('/')[3]}")
    assert _post(allowed, path, action, key, confirmed="yes").status_code == 200
    assert LogEntry.objects.count() == 1


def test_a_post_without_the_token_does_nothing(ids: dict[str, str]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("ana"))
    assert client.post(RUNS, {"action": "retry", "_selected_action": ids["failed"]}).status_code == 403
    assert not LogEntry.objects.exists()


def test_nothing_chosen_is_said(boss: Client, ids: dict[str, str]) -> None:
    for answer in (_post(boss, RUNS, ""), _post(boss, RUNS, "retry"), _post(boss, RUNS, "delete", ids["failed"])):
        assert "Nothing was done" in _told(answer)[0]


def test_times_are_the_viewers_and_utc_is_their_title(boss: Client, app: Horarium) -> None:
    moment = 1_795_878_000_123  # 2026-11-28 15:00:00.123 UTC
    run = Run(message=Message(id="r", task="t", created=moment), state=State.SUCCESS, changed=moment, ended=moment)
    app.engine.results.record([run], keep=9e8, now=moment)
    with timezone.override("Asia/Kolkata"), override_settings(TIME_ZONE="Asia/Kolkata"):
        text = _text(boss, _page_of(RUNS, "r"))
        assert "times in Asia/Kolkata" in _text(boss, RUNS)
    assert 'title="2026-11-28 15:00:00.123 UTC">2026-11-28 20:30:00 IST</time>' in text


def test_a_long_result_is_shown_as_it_is_with_its_size(boss: Client, app: Horarium) -> None:
    long = msgspec.json.encode([{"city": "Oslo"}] * 20_000)
    now = app.engine.now()
    message = Message(id="r", task="t", created=now)
    run = Run(message=message, state=State.SUCCESS, changed=now, ended=now, result=Raw(long))
    app.engine.results.record([run], keep=9e8, now=now)
    text = unescape(_text(boss, _page_of(RUNS, "r")))
    assert '[{"city":"Oslo"' in text and f" … of {len(long):,} bytes" in text and "characters more" not in text


def test_a_run_that_is_gone_is_said_to_be_and_keeps_its_log(boss: Client, app: Horarium) -> None:
    assert "kept for a while" in _text(boss, _page_of(RUNS, "gone"), 404)
    assert boss.get(f"{RUNS}gone/history/").status_code == 200
    assert "Nothing is known" in _text(boss, _page_of(QUEUES, "gone"), 404)


def test_empty_pages_say_what_to_do_next(boss: Client, app: Horarium) -> None:
    for path in (RUNS, QUEUES, WORKERS):
        assert "python manage.py horarium worker" in _text(boss, path), path


def test_whoever_only_looks_makes_no_store(boss: Client, tmp_path: Path) -> None:
    file = tmp_path / "none.db"
    with Horarium("none", store=f"sqlite:///{file}", set_as_current=False) as app, chosen(app):
        for path in (RUNS, QUEUES, WORKERS, _page_of(RUNS, "x")):
            assert "There is no store yet" in _text(boss, path)
    assert not file.exists()


@pytest.mark.once
def test_a_store_that_is_away_is_told_soon(boss: Client) -> None:
    with Horarium("away", store="redis://127.0.0.1:1/0", set_as_current=False) as app, chosen(app):
        begun = time.monotonic()
        assert "The store cannot be reached" in _text(boss, RUNS, 503)
        assert time.monotonic() - begun < 8
        answer = boss.post(RUNS, {"action": "retry", "_selected_action": "x"})
        assert answer.status_code == 503 and b"not known whether" in answer.content


def test_nobody_asks_the_database_for_runs() -> None:
    call_command("dumpdata", "horarium", stdout=_Sink())


def test_more_rows_than_messages_are_summed_up(boss: Client, app: Horarium) -> None:
    now = app.engine.now()
    error = ErrorRecord(class_path="E", text="x", args=Raw(b"[]"))
    runs = [
        Run(
            message=Message(id=f"f{n}", task="t", created=now), state=State.FAILURE, changed=now, ended=now, error=error
        )
        for n in range(15)
    ]
    app.engine.results.record(runs, keep=9e8, now=now)
    told = _told(_post(boss, RUNS, "retry", *(run.id for run in runs), "unknown"))
    assert told[0].startswith("15 of 16 done") and "nothing is known" in told[1] and len(told) == 2


class _Sink:
    def write(self, text: str) -> None:
        pass


def _all(app: Horarium) -> tuple[Run, ...]:
    from horarium.engines.records import Page, RunFilter

    return app.engine.results.search(RunFilter(), Page(limit=500)).runs

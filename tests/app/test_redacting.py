"""A secret that a call is given reaches its task, and nothing else that people look at."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from threading import Event

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace
from pydantic import SecretBytes, SecretStr

from horarium import Horarium, loglines
from horarium.app.again import refusal
from horarium.app.redacting import REDACTED, RESULT_TOO
from horarium.engines.memory import MemoryEngine
from horarium.message import Message
from horarium.observe.contents import Contents
from horarium.observe.redacted import cuts_of, shown_call, shown_message, shown_run, shown_schedule
from horarium.outcome import Run, State
from horarium.redaction import MASK
from horarium.testing.drain import drain
from horarium.testing.worker import start_worker
from horarium.worker import execute
from horarium.worker.output import KeepRecords

CANARY = "canary-7f3a-sings"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2luZ3M"


def run_of(app: Horarium, id: str) -> Run:
    [run] = app.engine.results.read([id])
    assert run is not None
    return run


def text_of(value: object) -> str:
    return msgspec.json.encode(value).decode()


def test_an_argument_reaches_its_task_and_is_stored_whole_as_long_as_it_may_run(app: Horarium) -> None:
    @app.task(name="pay", max_retries=1, redact=("card", 1))
    def pay(card: str, cvc: str, fail: bool) -> None:
        seen.append((card, cvc))
        if fail:
            raise ValueError(f"no money on {card} ({cvc})")

    seen: list[tuple[str, str]] = []
    good, bad = pay.delay(CANARY, "123456", fail=False), pay.delay(CANARY, "123456", fail=True)
    waiting = run_of(app, good.id)
    assert CANARY in text_of(waiting.message)
    assert CANARY not in text_of(shown_run(waiting, app))
    drain(app)
    assert seen == [(CANARY, "123456")] * 2
    kept, failed = run_of(app, good.id), run_of(app, bad.id)
    assert text_of(kept.message.args) == f'["{MASK}","{MASK}"]'
    assert kept.message.headers[REDACTED] is True and CANARY not in text_of(kept)
    assert "make the call anew" in (refusal(kept) or "")
    assert refusal(failed) is None and CANARY in text_of(failed.message.args)
    assert failed.error is not None and failed.error.text == f"no money on {MASK} ({MASK})"
    assert CANARY not in text_of((failed.error, failed.attempts, shown_run(failed, app)))


def test_what_only_its_name_makes_a_secret_stays_in_the_store_and_may_run_again(app: Horarium) -> None:
    @app.task(name="login")
    def login(password: str) -> str:
        return f"welcome {password}"

    result = login.delay(password=CANARY)
    drain(app)
    run = run_of(app, result.id)
    assert refusal(run) is None and CANARY in text_of(run.message)
    assert result.get(timeout=1) == f"welcome {CANARY}"
    shown = shown_run(run, app)
    assert (text_of(shown.message.kwargs), text_of(shown.result)) == (f'{{"password":"{MASK}"}}', f'"welcome {MASK}"')


def test_a_retry_and_an_errback_are_told_without_secrets(app: Horarium) -> None:
    @app.task(name="sync", bind=True, max_retries=1, default_retry_delay=0)
    def sync(self: object, token: str) -> None:
        raise self.retry(exc=ConnectionError(f"refused {token}"))  # type: ignore[attr-defined]

    @app.task(name="told")
    def told(request: object, exc: BaseException, traceback: str) -> None:
        heard.append(f"{exc} {traceback}")

    heard: list[str] = []
    result = sync.apply_async(kwargs={"token": CANARY}, link_error=told.s())
    drain(app)
    run = run_of(app, result.id)
    assert [attempt.outcome for attempt in run.attempts] == ["retried", "failed"]
    assert CANARY not in text_of((run.attempts, run.error))
    assert len(heard) == 1 and CANARY not in heard[0] and MASK in heard[0]


def test_the_hooks_of_a_task_are_given_the_exception_itself(app: Horarium) -> None:
    @app.task(name="hooked", on_failure=lambda self, exc, *rest: seen.append(str(exc)))
    def hooked(password: str) -> None:
        raise ValueError(password)

    seen: list[str] = []
    hooked.delay(CANARY)
    drain(app)
    assert seen == [CANARY]


def test_pydantics_secrets_travel_come_back_and_are_never_shown(app: Horarium) -> None:
    @app.task(name="connect")
    def connect(key: SecretStr, plain: SecretStr | None, raw: SecretBytes) -> str:
        assert (key.get_secret_value(), raw.get_secret_value()) == (CANARY, CANARY.encode())
        assert plain is not None
        return plain.get_secret_value()[:6]

    result = connect.delay(SecretStr(CANARY), plain=CANARY, raw=SecretBytes(CANARY.encode()))
    drain(app)
    assert result.get(timeout=1) == "canary"
    shown = shown_run(run_of(app, result.id), app)
    assert CANARY not in text_of(shown)
    assert text_of(shown.message.args) == f'["{MASK}"]'
    assert msgspec.json.decode(shown.message.kwargs) == {"plain": MASK, "raw": MASK}


def test_a_long_value_is_cut_and_known_to_be_and_whole_where_it_is_asked_for(app: Horarium) -> None:
    long = Raw(msgspec.json.encode([{"city": "Köln", "password": CANARY}] * 10_000))
    stored = Run(message=Message(id="r", task="t", created=0), state=State.SUCCESS, changed=0, result=long, meta=long)
    cuts = cuts_of(stored, shown_run(stored, app))
    assert list(cuts) == ["result", "meta"] and cuts["result"].size == len(bytes(long))
    assert cuts["result"].text.startswith('[{"city":"Köln"') and CANARY not in cuts["result"].text
    whole = shown_run(stored, app, limit=None)
    assert cuts_of(stored, whole) == {}
    assert whole.result is not None and msgspec.json.decode(whole.result)[-1] == {"city": "Köln", "password": MASK}
    secret = replace(stored, message=replace(stored.message, headers={REDACTED: RESULT_TOO}))
    assert list(cuts_of(secret, shown_run(secret, app))) == ["meta"]  # what is masked is no beginning of anything


def test_calls_that_follow_headers_and_schedules_are_shown_without_secrets(app: Horarium) -> None:
    @app.task(name="after", redact=1)
    def after(value: int, note: str) -> None: ...

    links = {"link": after.s(CANARY), "link_error": after.si(2, CANARY)}
    result = after.apply_async((1, CANARY), headers={"X-Api-Key": CANARY}, **links)
    shown = shown_message(run_of(app, result.id).message, app)
    assert CANARY not in text_of(shown)
    assert msgspec.json.decode(shown.error_links[0].args) == [2, MASK]
    in_chain = (after.si(1, "x") | after.s(CANARY)).apply_async()
    assert CANARY not in text_of(shown_run(run_of(app, in_chain.id), app))
    app.schedules.create("nightly", "after", 60, args=[1, CANARY])
    assert CANARY not in text_of(shown_schedule(app.schedules.get("nightly"), app))
    args, _ = shown_call("after", Raw(b'[1,"x"]'), Raw(b"{}"), app)
    assert msgspec.json.decode(args) == [1, MASK]


def test_arguments_that_were_edited_as_they_were_shown_get_back_what_was_hidden(app: Horarium) -> None:
    result = app.send_task("t", args=[[1, CANARY], {"token": CANARY, "n": 1}], kwargs={"password": CANARY, "page": 1})
    run, contents = run_of(app, result.id), Contents(app)
    shown = contents.kwargs(run)
    assert CANARY not in text_of((contents.args(run), shown, contents.whole(run, "args") or b""))
    edited = Raw(bytes(shown).replace(b'"page":1', b'"page":2'))
    assert msgspec.json.decode(contents.restored(run, "kwargs", edited)) == {"password": CANARY, "page": 2}
    args = msgspec.json.decode(contents.args(run))
    args[1]["n"], args[2:] = 2, ["more"]
    back = contents.restored(run, "args", Raw(msgspec.json.encode(args)))
    assert msgspec.json.decode(back) == [[1, CANARY], {"token": CANARY, "n": 2}, "more"]


def test_a_task_that_is_not_known_here_is_shown_by_names_and_forms(app: Horarium) -> None:
    result = app.send_task("elsewhere", args=[JWT], kwargs={"password": CANARY})
    shown = text_of(shown_run(run_of(app, result.id), app))
    assert CANARY not in shown and JWT not in shown


def test_the_settings_add_rules_and_switch_them_off(app: Horarium) -> None:
    result = app.send_task("t", kwargs={"iban": CANARY, "password": CANARY})
    run = run_of(app, result.id)
    app.conf.redact_names = ["iban"]
    assert CANARY not in text_of(shown_run(run, app))
    app.conf.redaction = False
    assert text_of(shown_run(run, app)).count(CANARY) == 2
    with pytest.raises(Exception, match="is no regular expression"):
        app.conf.redact_patterns = ["("]
    with pytest.raises(Exception, match="matches every text"):
        app.conf.redact_patterns = ["x*"]


def test_marks_that_are_none_are_refused_where_they_are_written(app: Horarium) -> None:
    for wrong in ("", -1, True, [None]):
        with pytest.raises(Exception, match="expected redact of t to be names of arguments"):
            app.task(name="t", redact=wrong)(lambda card: None)


@pytest.fixture
def kept_records() -> Iterator[None]:
    """Let what tasks log be kept, as workers do."""
    handler = KeepRecords()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)


@pytest.mark.usefixtures("kept_records")
def test_log_lines_are_redacted_and_told_while_the_task_runs_and_progress_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Horarium("lines", engine=MemoryEngine()) as app:

        @app.task(name="talk", bind=True)
        def talk(self: object, password: str) -> None:
            logging.getLogger("shop").warning("trying %s at postgres://u:%s@db/x", password, "pass")
            self.progress(1, 3, note=f"with {password}")  # type: ignore[attr-defined]
            assert go_on.wait(30)
            logging.getLogger("shop").warning("and %s", JWT)

        go_on = Event()
        monkeypatch.setattr(execute, "TELL_LINES_EVERY", 0.0)
        with start_worker(app):
            result = talk.delay(CANARY)
            for _ in range(3000):
                if (running := run_of(app, result.id)).progress is not None:
                    break
                go_on.wait(0.01)
            go_on.set()
            result.get(timeout=30)
        line = "trying [redacted] at postgres://u:[redacted]@db/x"
        assert [loglines.read(each).text for each in running.logs] == [line]
        assert running.progress is not None and (running.progress.done, running.progress.total) == (1, 3)
        assert shown_run(running, app).progress.note == f"with {MASK}"  # type: ignore[union-attr]
        ended = run_of(app, result.id)
        assert [loglines.read(each).text for each in ended.logs] == [line, "and [redacted]"]
        assert ended.state == State.SUCCESS

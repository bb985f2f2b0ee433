"""What a power cut leaves: the files as they were when the disk was last told to keep them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from horarium import Horarium
from horarium.app.switches import Switches
from horarium.dashboard import audit
from horarium.dashboard.access.links import LoginLinks
from horarium.dashboard.access.sessions import Sessions
from horarium.dashboard.access.tokens import Tokens
from horarium.dashboard.person import Role
from horarium.engines.records import Note
from horarium.engines.sqlite import SqliteEngine

Cut = Callable[[], SqliteEngine]


@pytest.fixture
def cut(path: Path, monkeypatch: pytest.MonkeyPatch) -> Cut:
    """Cut the power: return an engine on what has been flushed. (SQLite itself does not flush unless it is told to in
    the "locked" transactions, of which there are none here.)"""
    flush, kept = os.fdatasync, path.with_name("kept.db")

    def keep(descriptor: int) -> None:
        flush(descriptor)
        for end in ("", "-wal"):  # not opened here: with a descriptor's end this process would lose its locks on it
            subprocess.run(["cp", f"{path}{end}", f"{kept}{end}"], check=True)

    monkeypatch.setattr(os, "fdatasync", keep)

    def after() -> SqliteEngine:
        monkeypatch.setattr(os, "fdatasync", flush)
        return SqliteEngine(kept)

    return after


def notes_of(engine: SqliteEngine, prefix: str = "") -> list[str]:
    keys = [note.key for note in engine.notes.read(prefix, now=engine.now())]
    engine.close()
    return keys


def note(key: str) -> Note:
    return Note(key=key, text=Raw(b"1"))


def test_notes_that_are_to_be_durable_and_all_before_them_outlive_a_power_cut(engine: SqliteEngine, cut: Cut) -> None:
    engine.notes.post([note("a")], now=engine.now())
    engine.notes.post([note("b")], now=engine.now(), durable=True)
    engine.notes.post([note("c")], now=engine.now())
    assert notes_of(cut()) == ["a", "b"]


def test_what_was_erased_for_good_is_not_back_after_a_power_cut(engine: SqliteEngine, cut: Cut) -> None:
    engine.notes.post([note("a"), note("b"), note("c")], now=engine.now(), durable=True)
    engine.notes.erase(["a"], durable=True)
    engine.notes.erase(["b"])
    assert notes_of(cut()) == ["b", "c"]


def test_a_relaxed_store_flushes_nothing(path: Path, cut: Cut) -> None:
    engine = SqliteEngine(path, "relaxed")
    engine.notes.post([note("a")], now=engine.now(), durable=True)
    engine.notes.erase(["a"], durable=True)
    assert notes_of(cut()) == []
    engine.close()


def _record(app: Horarium, now: int) -> None:
    audit.write(app.engine, audit.Entry(at=now, who="ada", via="token", action="runs.retry"))


def _make_token(app: Horarium, now: int) -> None:
    Tokens(app).add("ci", Role.VIEWER, by="ada", now=now)


def _pause(app: Horarium, now: int) -> None:
    Switches(app.connection).pause_queue("mail", by="ada")


@pytest.mark.parametrize("decide", [_record, _make_token, _pause])
def test_records_of_changes_and_tokens_and_pauses_outlive_a_power_cut(
    path: Path, cut: Cut, decide: Callable[[Horarium, int], None]
) -> None:
    app = Horarium("shop", store=f"sqlite:///{path}")
    app.engine.notes.post([note("before")], now=app.engine.now(), durable=True)
    decide(app, app.engine.now())
    there = [each.key for each in app.engine.notes.read("", now=app.engine.now())]
    assert len(there) == 2
    assert notes_of(cut()) == there
    app.close()


def _revoke(app: Horarium, now: int) -> Callable[[], Any]:
    _, token = Tokens(app).add("ci", Role.ADMIN, by="ada", now=now)
    return lambda: Tokens(app).remove(token.digest, now=now)


def _log_out(app: Horarium, now: int) -> Callable[[], Any]:
    secret, _ = Sessions(app).open("ada", "admin", "", now=now)
    return lambda: Sessions(app).close(secret)


def _use_link(app: Horarium, now: int) -> Callable[[], Any]:
    secret = LoginLinks(app).make(now=now)
    return lambda: LoginLinks(app).use(secret, now=now)


def _resume(app: Horarium, now: int) -> Callable[[], Any]:
    Switches(app.connection).pause_queue("mail", by="ada")
    return lambda: Switches(app.connection).resume_queue("mail")


@pytest.mark.parametrize("prepare", [_revoke, _log_out, _use_link, _resume])
def test_what_lets_nobody_in_any_more_still_does_not_after_a_power_cut(
    path: Path, cut: Cut, prepare: Callable[[Horarium, int], Callable[[], Any]]
) -> None:
    app = Horarium("shop", store=f"sqlite:///{path}")
    end = prepare(app, app.engine.now())
    app.engine.notes.post([note("before")], now=app.engine.now(), durable=True)
    assert len(app.engine.notes.read("", now=app.engine.now())) > 1
    end()
    assert notes_of(cut()) == ["before"]
    app.close()

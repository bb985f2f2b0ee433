"""The journal in Redis: an answer that is lost, and a server that has lost its newest entries."""

from __future__ import annotations

import pytest
from lost_replies import losing
from msgspec import Raw
from redis_words import NOW, Open

from horarium.engines.redis import RedisEngine
from servers import RedisServer


def append(engine: RedisEngine, *entries: int) -> None:
    engine.journal.append([Raw(str(entry).encode()) for entry in entries], now=NOW)


def test_entries_whose_answer_was_lost_stand_there_once(engine: RedisEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    with losing(monkeypatch, "append_journal", 1):
        append(engine, 1, 2)
    append(engine, 3)
    assert engine.journal.tail("0", 9).entries == (Raw(b"1"), Raw(b"2"), Raw(b"3"))


def test_several_processes_tell_one_story(engine: RedisEngine, open_engine: Open) -> None:
    for number, each in enumerate([engine, open_engine(), open_engine()]):
        append(each, number)
    assert engine.journal.tail("0", 9).entries == (Raw(b"0"), Raw(b"1"), Raw(b"2"))


def test_a_reader_ahead_of_a_server_that_lost_its_newest_is_told_and_goes_on(
    server: RedisServer, engine: RedisEngine
) -> None:
    append(engine, *range(5))
    place = engine.journal.tail(None, 9).next
    server.ask("DEL", "{horarium}:journal")
    append(engine, 7)
    page = engine.journal.tail(place, 9)
    assert (page.entries, page.missed) == ((), True)
    append(engine, 8)
    page = engine.journal.tail(page.next, 9)
    assert (page.entries, page.missed) == ((Raw(b"8"),), False)

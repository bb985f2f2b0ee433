"""Questions about Notes and the Journal."""

from __future__ import annotations

import pytest
from msgspec import Raw

from horarium.engines.records import JOURNAL_KEPT, Note
from horarium.testing.conformance.candidate import Candidate, Reopen


class TestNotes(Candidate):
    def post(self, *keys: str, text: str = "1", expires: int | None = None) -> None:
        notes = [Note(key=key, text=Raw(text.encode()), expires=expires) for key in keys]
        self.engine.notes.post(notes, now=self.now)

    def keys(self, prefix: str = "") -> list[str]:
        return [note.key for note in self.engine.notes.read(prefix, now=self.now)]

    def test_notes_are_read_by_the_beginning_of_their_keys_and_in_order(self) -> None:
        self.post("b:2", "a:10", "b:1", "a:9", "B:0")
        assert self.keys("b:") == ["b:1", "b:2"]
        assert self.keys("a") == ["a:10", "a:9"]
        assert self.keys("c") == []
        assert len(self.keys()) == 5

    def test_the_last_ones_can_be_read_alone(self) -> None:
        self.post("b:1", "b:3", "b:2", "c:9", "a:1")
        last = [[note.key for note in self.engine.notes.read("b:", now=self.now, last=most)] for most in (0, 1, 2, 5)]
        assert last == [[], ["b:3"], ["b:2", "b:3"], ["b:1", "b:2", "b:3"]]

    def test_a_note_comes_back_as_it_was_left(self) -> None:
        self.post("k", text='{"a":[1,"é☃"]}', expires=self.now + 5)
        (note,) = self.engine.notes.read("k", now=self.now)
        assert note == Note(key="k", text=Raw('{"a":[1,"é☃"]}'.encode()), expires=self.now + 5, changed=self.now)

    def test_the_last_one_wins(self) -> None:
        self.post("k", text="1", expires=self.now + 5)
        self.later(1)
        self.post("k", text="2")
        (note,) = self.engine.notes.read("k", now=self.now)
        assert (note.text, note.changed, note.expires) == (Raw(b"2"), self.now, None)

    def test_expired_notes_are_not_read_and_do_not_stay(self) -> None:
        self.post("k", expires=self.now + 1000)
        self.later(1)
        assert self.keys() == []
        self.maintain()
        assert self.engine.notes.erase(["k"]) == 0

    def test_erasing_tells_how_many_there_were(self) -> None:
        self.post("a", "b")
        assert self.engine.notes.erase(["a", "c"]) == 1
        assert self.keys() == ["b"]
        assert self.engine.notes.erase([]) == 0

    def test_durable_ones_are_kept_and_erased_as_others_are(self) -> None:
        for is_durable in (True, False):
            self.engine.notes.post([Note(key="k", text=Raw(b"1"))], now=self.now, durable=is_durable)
            assert self.keys() == ["k"]
            assert self.engine.notes.erase(["k"], durable=not is_durable) == 1
            assert self.keys() == []

    @pytest.mark.parametrize("key", [" ", "a%", "a_b", "[x]*?", "\\", "é☃𝒳", "{y}", "'"])
    def test_keys_may_be_odd(self, key: str) -> None:
        self.post(key + "1", "axb", "abc")
        assert self.keys(key) == [key + "1"]

    def test_notes_survive_the_engine(self, reopen: Reopen) -> None:
        if not self.engine.capabilities.durable:
            pytest.skip("declared: not durable")
        self.post("k")
        self.engine.close()
        self.engine = reopen()
        assert self.keys() == ["k"]


class TestJournal(Candidate):
    def append(self, *entries: int) -> None:
        self.engine.journal.append([Raw(str(entry).encode()) for entry in entries], now=self.now)

    def test_a_reader_begins_at_the_end(self) -> None:
        self.append(1, 2)
        page = self.engine.journal.tail(None, 10)
        assert (page.entries, page.missed) == ((), False)
        self.append(3, 4)
        page = self.engine.journal.tail(page.next, 10)
        assert [bytes(entry) for entry in page.entries] == [b"3", b"4"]
        assert self.engine.journal.tail(page.next, 10).entries == ()

    def test_entries_come_in_the_order_in_which_they_were_told_page_by_page(self) -> None:
        place = self.engine.journal.tail(None, 10).next
        for start in range(0, 25, 5):
            self.append(*range(start, start + 5))
        found: list[int] = []
        while (page := self.engine.journal.tail(place, 4)).entries:
            assert len(page.entries) <= 4
            found += [int(bytes(entry)) for entry in page.entries]
            place = page.next
        assert found == list(range(25))

    def test_an_empty_journal_has_an_end_too(self) -> None:
        place = self.engine.journal.tail(None, 10).next
        self.append()
        assert self.engine.journal.tail(place, 10).entries == ()
        self.append(1)
        assert len(self.engine.journal.tail(place, 10).entries) == 1

    def test_two_readers_read_the_same(self) -> None:
        one = self.engine.journal.tail(None, 10).next
        other = self.engine.journal.tail(None, 10).next
        self.append(1, 2, 3)
        assert self.engine.journal.tail(one, 10).entries == self.engine.journal.tail(other, 10).entries

    def test_a_reader_that_was_too_slow_is_told(self) -> None:
        place = self.engine.journal.tail(None, 10).next
        for _ in range(3):
            self.append(*range(JOURNAL_KEPT))
        while self.maintain().more:
            pass
        page = self.engine.journal.tail(place, 10)
        assert page.missed
        assert len(page.entries) == 10

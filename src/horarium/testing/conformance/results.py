"""Questions about Results."""

from __future__ import annotations

from msgspec.structs import replace

from horarium.engines.protocol import Page, RunFilter
from horarium.outcome import Failed, Retried, Run, State
from horarium.testing.conformance.candidate import DONE, OOPS, Candidate


class TestResults(Candidate):
    def test_runs_are_read_in_the_order_asked_for(self) -> None:
        first, second = self.put_one(), self.put_one()
        runs = self.engine.results.read([second.id, "nobody's", first.id, second.id])
        assert [run.id if run else None for run in runs] == [second.id, None, first.id, second.id]
        assert self.engine.results.read([]) == []

    def test_many_runs_are_read_at_once(self) -> None:
        messages = [self.message() for _ in range(1500)]
        self.put(*messages)
        runs = self.engine.results.read([message.id for message in messages])
        assert [run.message if run else None for run in runs] == messages

    def test_only_ended_runs_are_forgotten(self) -> None:
        ended, in_hand, waiting = self.put_one(), self.put_one(), self.put_one()
        first, _ = self.claim(limit=2)
        self.settle(first, DONE)
        names = [ended.id, in_hand.id, waiting.id, "nobody's", ended.id]
        assert self.engine.results.forget(names) == 1
        assert [run is None for run in self.engine.results.read(names[:3])] == [True, False, False]
        assert self.engine.results.forget(names) == 0

    def test_a_forgotten_id_is_free_again(self) -> None:
        message = self.put_one()
        self.settle(self.claim_one(), Failed(error=OOPS))
        self.engine.results.forget([message.id])
        assert self.put(message) == [True]
        run = self.run(message.id)
        assert (run.state, run.error, run.attempts) == (State.PENDING, None, ())
        delivery = self.claim_one()
        assert (delivery.attempt, delivery.crashes) == (1, 0)

    def test_a_search_shows_the_latest_first(self) -> None:
        for age in (3, 1, 2):
            self.put_one(id=f"{age} old", created=self.now - age)
        assert self.found(RunFilter()) == ["1 old", "2 old", "3 old"]

    def test_each_part_of_a_filter_narrows_a_search(self) -> None:
        self.put_one(id="plain")
        self.put_one(id="task", task="x")
        self.put_one(id="queue", queue="q")
        self.put_one(id="schedule", schedule="s", nominal=self.now)
        self.put_one(id="parent", parent="p", root="r")
        self.put_one(id="old", created=self.now - 10)
        self.claim(queues=["q"])
        questions = {
            "task": RunFilter(tasks=("x", "y")),
            "queue": RunFilter(queues=("q",)),
            "schedule": RunFilter(schedule="s"),
            "parent": RunFilter(parent="p"),
            "old": RunFilter(until=self.now),
        }
        assert {id: self.found(filter) for id, filter in questions.items()} == {id: [id] for id in questions}
        assert self.found(RunFilter(root="r")) == ["parent"]
        assert self.found(RunFilter(states=(State.RECEIVED,))) == ["queue"]
        assert sorted(self.found(RunFilter(id_prefix="p"))) == ["parent", "plain"]
        assert "old" not in self.found(RunFilter(since=self.now))
        assert self.found(RunFilter(tasks=("t",), queues=("q",), states=(State.SUCCESS,))) == []

    def test_signs_of_pattern_languages_in_a_prefix_are_letters(self) -> None:
        for id in ("a_c", "abc", "a%c", "a*c", "a[b]c", "A_C"):
            self.put_one(id=id)
        found = {prefix: self.found(RunFilter(id_prefix=prefix)) for prefix in ("a_", "a%", "a*", "a[", "A")}
        assert found == {"a_": ["a_c"], "a%": ["a%c"], "a*": ["a*c"], "a[": ["a[b]c"], "A": ["A_C"]}

    def test_pages_show_every_run_exactly_once(self) -> None:
        created = [self.now - number // 3 for number in range(25)]
        self.put(*(self.message(created=each) for each in created))
        seen: list[Run] = []
        after = None
        while True:
            page = self.engine.results.search(RunFilter(), Page(limit=4, after=after))
            assert len(page.runs) <= 4
            seen += page.runs
            after = page.next
            if after is None:
                break
            self.put_one(created=self.now + 5)  # newer ones come before the first page and disturb nothing
        assert len({run.id for run in seen}) == len(seen) == 25
        assert [run.message.created for run in seen] == created

    def test_a_search_follows_a_retried_message(self) -> None:
        message = self.put_one()
        self.settle(self.claim_one(), Retried(message=replace(message, queue="slow"), error=OOPS))
        assert self.found(RunFilter(queues=("slow",))) == [message.id]
        assert self.found(RunFilter(queues=("default",))) == []
        assert self.found(RunFilter(states=(State.RETRY,))) == [message.id]

    def found(self, filter: RunFilter) -> list[str]:
        return [run.id for run in self.engine.results.search(filter, Page()).runs]

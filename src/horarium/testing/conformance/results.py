"""Questions about Results."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from horarium.clock import Seconds
from horarium.engines.records import Page, RunFilter
from horarium.message import Message
from horarium.outcome import Attempt, Failed, Progress, Retried, Run, RunBrief, State, Verdict, told
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

    def test_the_latest_runs_of_schedules_are_told_in_brief(self) -> None:
        for age, schedule in enumerate(["s", "t", "s", "s", "t"]):
            id = f"{schedule}{age}"
            self.put_one(id=id, schedule=schedule, nominal=self.now - age, created=self.now - age, priority=9 - age)
        for outcome in (DONE, Failed(error=OOPS)):
            self.settle(self.claim_one(), outcome)
        self.claim_one()
        searched = [
            self.engine.results.search(RunFilter(schedule=each), Page(limit=2)).runs for each in ("t", "s", "none")
        ]
        assert [[run.id for run in runs] for runs in searched] == [["t1", "t4"], ["s0", "s2"], []]
        briefs = self.engine.results.briefs(["t", "s", "none", "t"], 2)
        assert briefs[:3] == [tuple(map(RunBrief.of, runs)) for runs in searched]
        assert briefs[3] == briefs[0]
        assert [brief.state for brief in briefs[1]] == [State.SUCCESS, State.RECEIVED]
        assert self.engine.results.briefs([], 2) == [] and self.engine.results.briefs(["s"], 0) == [()]

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

    def test_a_part_of_a_filter_may_be_empty(self) -> None:
        self.put_one(id="none")
        self.put_one(id="empty", parent="", root="", schedule="")
        filters = (RunFilter(parent=""), RunFilter(root=""), RunFilter(schedule=""))
        assert [self.found(each) for each in filters] == [["empty"]] * 3

    def test_a_recorded_run_is_read_as_it_was_given(self) -> None:
        message = self.message(queue="q", parent="p", root="r", schedule="s", nominal=self.now, args=Raw(b"[1]"))
        plain = self.ended_run(result=Raw(b'{"a":[1,2]}'), attempts=(self.attempt(1, "succeeded"),))
        eventful = self.ended_run(
            message,
            state=State.FAILURE,
            error=OOPS,
            attempts=(self.attempt(1, "retried", error=OOPS), self.attempt(2, "failed", error=OOPS)),
            logs=("one", "two"),
            meta=Raw(b'{"oven":1}'),
            progress=Progress(done=1, total=3, note="one", at=self.now),
            cancel="revoke",
        )
        unstarted = self.ended_run(
            state=State.REVOKED, error=told("TaskRevokedError", "by hand"), worker="", started=None
        )
        untold = self.ended_run(attempts=())
        runs = [plain, eventful, unstarted, untold]
        self.record(*runs)
        assert self.engine.results.read([run.id for run in runs]) == runs
        assert self.found(RunFilter(parent="p", schedule="s", queues=("q",))) == [message.id]

    def test_a_recorded_run_never_waits(self) -> None:
        run = self.ended_run()
        self.record(run)
        assert self.claim() == []
        assert self.engine.inspector.counts().queues == {}
        assert self.put(run.message) == [False]
        assert self.claim() == []

    def test_only_ended_runs_are_recorded_and_a_bad_batch_leaves_nothing(self) -> None:
        fine, running = self.ended_run(), self.ended_run(state=State.STARTED)
        with pytest.raises(ValueError, match="ended"):
            self.record(fine, running)
        assert self.engine.results.read([fine.id, running.id]) == [None, None]

    def test_a_run_recorded_again_takes_the_place_of_the_one_before(self) -> None:
        run = self.ended_run(result=Raw(b"1"))
        self.record(run)
        self.record(run)
        assert self.found(RunFilter()) == [run.id]
        other = replace(run, state=State.FAILURE, result=None, error=OOPS)
        self.record(other)
        assert self.run(run.id) == other
        assert self.states() == {State.FAILURE: 1}

    def test_a_record_leaves_alone_what_has_not_ended_here(self) -> None:
        waiting, in_hand = self.message(priority=1), self.message(priority=9)
        self.put(waiting, in_hand)
        delivery = self.claim_one()
        self.record(self.ended_run(waiting), self.ended_run(in_hand))
        assert self.states() == {State.PENDING: 1, State.RECEIVED: 1}
        assert self.settle(delivery, DONE) == Verdict.RECORDED
        assert self.claim_one().message == waiting

    def test_a_run_settled_here_may_be_recorded_over(self) -> None:
        message = self.put_one()
        delivery = self.claim_one()
        self.settle(delivery, DONE)
        run = self.ended_run(message, result=Raw(b'"whole"'))
        self.record(run)
        assert self.run(message.id) == run
        assert self.settle(delivery, DONE) in (Verdict.REPEATED, Verdict.LOST)
        assert self.run(message.id) == run

    def test_a_recorded_run_is_forgotten_keep_after_it_was_recorded(self) -> None:
        old = self.ended_run(changed=self.now - 5_000_000, ended=self.now - 5_000_000)
        self.record(old, keep=10.0)
        self.later(9.999)
        self.maintain()
        assert self.run(old.id) == old
        self.later(0.001)
        assert self.maintain().forgotten == 1
        assert self.engine.results.read([old.id]) == [None]

    def test_a_recorded_run_is_forgotten_on_request(self) -> None:
        run = self.ended_run()
        self.record(run)
        assert self.engine.results.forget([run.id]) == 1
        assert self.put(run.message) == [True]

    def test_many_runs_are_recorded_at_once_and_nothing_is_fine(self) -> None:
        self.record()
        runs = [self.ended_run() for _ in range(1500)]
        self.record(*runs)
        assert self.engine.results.read([run.id for run in runs]) == runs

    def record(self, *runs: Run, keep: Seconds = 3600.0) -> None:
        self.engine.results.record(runs, keep=keep, now=self.now)

    def ended_run(self, message: Message | None = None, **fields: Any) -> Run:  # Any: whatever Run takes
        given: dict[str, Any] = {
            "message": message or self.message(),
            "state": State.SUCCESS,
            "changed": self.now - 10,
            "worker": "w@host",
            "started": self.now - 100,
            "ended": self.now - 10,
            "attempts": (self.attempt(1, "succeeded"),) if "state" not in fields else (),
        }
        return Run(**given | fields)

    def attempt(self, number: int, outcome: str, **fields: Any) -> Attempt:  # Any: whatever Attempt takes
        given: dict[str, Any] = {"started": self.now - 100, "ended": self.now - 10}
        return Attempt(number=number, worker="w@host", outcome=outcome, **given | fields)

    def found(self, filter: RunFilter) -> list[str]:
        return [run.id for run in self.engine.results.search(filter, Page()).runs]

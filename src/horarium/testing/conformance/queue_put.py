"""Questions about Queue.put."""

from __future__ import annotations

import pytest
from msgspec import Raw

from horarium.engines.records import Page, RunFilter
from horarium.message import Message
from horarium.outcome import State, Succeeded
from horarium.testing.conformance.candidate import DONE, ERROR_LINK, LINK, Candidate, Reopen, ids


class TestPut(Candidate):
    def test_a_new_message_waits_as_pending(self) -> None:
        message = self.put_one()
        run = self.run(message.id)
        assert (run.state, run.changed, run.attempts) == (State.PENDING, self.now, ())

    def test_a_message_comes_back_exactly_as_it_was_put(self) -> None:
        message = self.put_one(
            task="päckchen.send",
            args=Raw(b'[1, "\\u00e4", {"a": null}]'),
            kwargs=Raw(b'{"x":1.5}'),
            queue="mail",
            priority=9,
            eta=self.now - 5,
            expires=self.now + 1_000_000,
            retries=2,
            max_retries=7,
            time_limit=1.5,
            soft_time_limit=1.0,
            at_most_once=True,
            ignore_result=True,
            root="r",
            parent="p",
            links=(LINK,),
            error_links=(ERROR_LINK,),
            schedule="s",
            nominal=self.now - 7,
            headers={"trace": "1", "deep": [1, {"a": None}]},
            origin="1@host",
        )
        (delivery,) = self.claim(queues=["mail"])
        assert delivery.message == message
        assert self.run(message.id).message == message

    @pytest.mark.parametrize(
        "name", [" ", "a:b", "{x}", '"', "\\", 'x","', "\n", "é☃𝒳", "[1,", "%d", "(.*)", "';--", "*", "-", "x" * 3000]
    )
    def test_names_may_be_odd(self, name: str) -> None:
        message = self.put_one(id=name, queue=name, task=name, schedule=name, parent=name, root=name)
        self.put_one(id="other", queue=name, task="other")
        (delivery,) = self.claim(name, queues=[name], tasks=[name])
        assert (delivery.message, delivery.owner) == (message, name)
        assert (
            self.settle(delivery, Succeeded(result=None), worker=name, started=self.now, ended=self.now) == "recorded"
        )
        assert (self.run(name).state, self.run(name).worker) == (State.SUCCESS, name)
        found = self.engine.results.search(RunFilter(schedule=name, parent=name, root=name, id_prefix=name), Page())
        assert [run.id for run in found.runs] == [name]
        assert self.engine.results.forget([name]) == 1
        assert self.engine.inspector.counts().queues.keys() == {name}

    def test_an_id_that_waits_already_is_not_new(self) -> None:
        message = self.put_one()
        assert self.put(self.message(id=message.id, task="other")) == [False]
        assert self.run(message.id).message == message
        assert ids(self.claim()) == [message.id]

    def test_an_id_in_hand_is_not_new(self) -> None:
        message = self.put_one()
        self.claim_one()
        assert self.put(message) == [False]
        assert self.claim("b") == []

    def test_an_id_that_has_ended_is_not_new(self) -> None:
        message = self.put_one()
        self.settle(self.claim_one(), DONE)
        assert self.put(message) == [False]
        assert self.claim() == []
        assert self.run(message.id).state == State.SUCCESS

    def test_an_id_twice_in_one_call_is_new_once(self) -> None:
        message = self.message()
        assert self.put(message, self.message(), message) == [True, True, False]
        assert len(self.claim()) == 2

    def test_nothing_put_is_fine(self) -> None:
        assert self.put() == []

    def test_a_batch_that_cannot_be_put_whole_is_not_put_at_all(self) -> None:
        def half() -> list[Message]:
            return [self.message(id="first"), "no message"]  # type: ignore[list-item]

        with pytest.raises(Exception):  # noqa: B017 - whichever it is: what matters is that nothing stays
            self.engine.queue.put(half(), now=self.now)
        assert self.engine.results.read(["first"]) == [None]
        assert self.claim() == []

    def test_many_messages_go_in_at_once(self) -> None:
        messages = [self.message() for _ in range(2000)]
        assert self.put(*messages) == [True] * 2000
        assert self.put(*messages) == [False] * 2000
        assert self.states() == {State.PENDING: 2000}

    def test_what_was_put_survives_the_engine(self, reopen: Reopen) -> None:
        if not self.engine.capabilities.durable:
            pytest.skip("declared: not durable")
        message = self.put_one()
        self.engine.close()
        self.engine = reopen()
        assert ids(self.claim()) == [message.id]

    def test_a_closed_engine_may_be_closed_again(self) -> None:
        self.engine.close()
        self.engine.close()

    def test_a_healthy_store_passes_its_check(self) -> None:
        self.engine.check()

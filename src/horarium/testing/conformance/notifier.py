"""Questions about Notifier. The waits end on a fact; their length only bounds a failure."""

from __future__ import annotations

import threading

from horarium.testing.conformance.candidate import Candidate

LONG = 10.0  # more than any hint may take, even on a busy machine
SOON = 0.15  # long enough to show that nothing comes


class TestNotifier(Candidate):
    def test_a_hint_between_listening_and_waiting_is_not_missed(self) -> None:
        listener = self.engine.notifier.listen(["queue:a"])
        self.engine.notifier.notify(["queue:a"])
        assert listener.wait(LONG)
        listener.close()

    def test_a_wait_without_a_hint_ends_with_its_time(self) -> None:
        listener = self.engine.notifier.listen(["queue:a"])
        assert not listener.wait(0)
        assert not listener.wait(SOON)
        listener.close()

    def test_a_hint_from_another_thread_ends_a_wait(self) -> None:
        listener = self.engine.notifier.listen(["queue:a", "control"])
        thread = threading.Timer(0.05, self.engine.notifier.notify, [["control"]])
        thread.start()
        assert listener.wait(LONG)
        thread.join()
        listener.close()

    def test_every_listener_hears_a_hint(self) -> None:
        listeners = [self.engine.notifier.listen([topic]) for topic in ("queue:a", "queue:a", "queue:b")]
        self.engine.notifier.notify(["queue:a", "queue:b"])
        assert [listener.wait(LONG) for listener in listeners] == [True] * 3
        for listener in listeners:
            listener.close()

    def test_a_hint_is_spent_by_one_wait(self) -> None:
        listener = self.engine.notifier.listen(["queue:a"])
        for _ in range(3):
            self.engine.notifier.notify(["queue:a"])
        assert listener.wait(LONG)
        for _ in range(3):  # a store may have told them one by one
            listener.wait(SOON)
        assert not listener.wait(SOON)
        listener.close()

    def test_wake_ends_a_wait_from_another_thread(self) -> None:
        listener = self.engine.notifier.listen(["queue:a"])
        thread = threading.Timer(0.05, listener.wake)
        thread.start()
        assert listener.wait(LONG)
        thread.join()
        listener.close()

    def test_wake_before_a_wait_ends_it(self) -> None:
        listener = self.engine.notifier.listen([])
        listener.wake()
        assert listener.wait(LONG)
        listener.close()

    def test_a_descriptor_becomes_readable_on_a_hint_and_wait_clears_it(self) -> None:
        import select

        listener = self.engine.notifier.listen(["queue:a"])
        descriptor = listener.fileno()
        if descriptor is not None:
            assert select.select([descriptor], [], [], 0)[0] == []
            self.engine.notifier.notify(["queue:a"])
            assert select.select([descriptor], [], [], LONG)[0] == [descriptor]
            assert listener.wait(0)
            while listener.wait(SOON):
                pass
            assert select.select([descriptor], [], [], 0)[0] == []
        listener.close()

    def test_hints_without_listeners_are_fine(self) -> None:
        self.engine.notifier.notify(["queue:nobody"])
        self.engine.notifier.notify([])

    def test_a_listener_may_be_closed_twice_and_hears_no_more(self) -> None:
        listener = self.engine.notifier.listen(["queue:a"])
        listener.close()
        listener.close()
        self.engine.notifier.notify(["queue:a"])

"""The judge is judged first: a good history passes, and each way of being bad is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from history import Ending, Event, History, append, complaints, gaps, note, read_calls, read_events
from msgspec.structs import replace

SECOND = 1_000_000_000


def good() -> History:
    """Two calls: one whose process was killed once and that was retried, and one with a link. A firing. A call whose
    answer was lost."""
    events = [
        Event("start", "a", 1, 1, 10, 1 * SECOND),
        Event("start", "a", 2, 2, 11, 2 * SECOND),
        Event("start", "a", 3, 3, 11, 3 * SECOND),
        Event("end", "a", 3, 3, 11, 4 * SECOND),
        Event("start", "b", 1, 1, 12, 1 * SECOND),
        Event("end", "b", 1, 1, 12, 2 * SECOND),
        Event("start", "b-link", 1, 1, 12, 3 * SECOND),
        Event("end", "b-link", 1, 1, 12, 3 * SECOND),
        Event("start", "f", 1, 1, 12, 4 * SECOND),
        Event("end", "f", 1, 1, 12, 4 * SECOND),
    ]
    runs = [
        Ending(
            id="a",
            state="SUCCESS",
            recorded=5 * SECOND,
            attempts=("crashed", "retried", "succeeded"),
            token="one",
            fence=3,
        ),
        Ending(id="b", state="SUCCESS", recorded=3 * SECOND, token="two", links=1, fence=1),
        Ending(id="b-link", state="SUCCESS", recorded=5 * SECOND, token="two", parent="b", fence=1),
        Ending(id="f", state="SUCCESS", recorded=5 * SECOND, schedule="tick", nominal=4000, fence=1),
    ]
    return History(
        events=events,
        invoked={"one", "two", "three"},
        accepted={"one": "a", "two": "b"},
        runs=runs,
        states={"SUCCESS": 4},
    )


def test_a_good_history_passes() -> None:
    assert complaints(good()) == []
    assert gaps(good()) == []


def _lose_a_run(history: History) -> None:
    history.runs.pop(0)


def _never_start(history: History) -> None:
    history.events = [event for event in history.events if event.id != "b"]


def _expire_at_will(history: History) -> None:
    history.events = [event for event in history.events if event.id != "b"]
    history.runs[1] = replace(history.runs[1], state="EXPIRED", attempts=())


def _revoke_unasked(history: History) -> None:
    history.events = [event for event in history.events if event.id != "b"]
    history.runs[1] = replace(history.runs[1], state="REVOKED", attempts=())


def _start_a_stranger(history: History) -> None:
    history.events.append(Event("start", "x", 1, 1, 12, 1))


def _store_a_stranger(history: History) -> None:
    history.runs.append(Ending(id="x", state="FAILURE", recorded=1, token="x", attempts=("failed",)))


def _store_a_call_twice(history: History) -> None:
    history.runs.append(replace(history.runs[0], id="a2"))


def _leave_one_unended(history: History) -> None:
    history.runs[0] = replace(history.runs[0], state="RETRY")


def _end_twice(history: History) -> None:
    history.runs[0] = replace(history.runs[0], attempts=("succeeded", "succeeded"))


def _go_on_after_the_end(history: History) -> None:
    history.runs[0] = replace(history.runs[0], attempts=("succeeded", "crashed"))


def _make_up_a_success(history: History) -> None:
    history.events = [event for event in history.events if (event.kind, event.id) != ("end", "b")]


def _take_a_late_answer(history: History) -> None:
    history.events.append(Event("end", "a", 2, 2, 11, 3 * SECOND))
    history.runs[0] = replace(history.runs[0], fence=2)


def _start_after_the_end(history: History) -> None:
    history.events.append(Event("start", "b", 1, 2, 10, 4 * SECOND))


def _start_a_delivery_twice(history: History) -> None:
    history.events.append(Event("start", "b", 1, 1, 13, 2 * SECOND))


def _drop_a_link(history: History) -> None:
    history.runs = [run for run in history.runs if run.id != "b-link"]


def _link_after_a_failure(history: History) -> None:
    history.runs[1] = replace(history.runs[1], state="FAILURE", attempts=("failed",))


def _drop_an_error_link(history: History) -> None:
    history.runs[0] = replace(history.runs[0], state="FAILURE", attempts=("failed",), error_links=1)


def _fire_twice(history: History) -> None:
    history.runs.append(replace(history.runs[3], id="f2"))


def _hold_on(history: History) -> None:
    history.held = 1


def _leave_an_owner(history: History) -> None:
    history.owners.append("w/1")


def _leave_a_process(history: History) -> None:
    history.processes.append("123 python")


def _miscount(history: History) -> None:
    history.states = {"SUCCESS": 5}


FORGERIES: dict[str, Callable[[History], None]] = {
    "lost: one": _lose_a_run,
    "never started: two": _never_start,
    "never started: two, b, which ended as EXPIRED": _expire_at_will,
    "never started: two, b, which ended as REVOKED": _revoke_unasked,
    "unexpected: x was started": _start_a_stranger,
    "unexpected: nobody asked for x": _store_a_stranger,
    "doubled: the call one": _store_a_call_twice,
    "not ended: a": _leave_one_unended,
    "ended more than once: a has": _end_twice,
    "ended more than once: a": _go_on_after_the_end,
    "made up: b": _make_up_a_success,
    "superseded: a": _take_a_late_answer,
    "started after its end: b": _start_after_the_end,
    "started twice: b": _start_a_delivery_twice,
    "links: b (SUCCESS) has set off 0": _drop_a_link,
    "links: b (FAILURE) has set off 1": _link_after_a_failure,
    "links: a (FAILURE) has set off 0": _drop_an_error_link,
    "fired 2 times: tick": _fire_twice,
    "left over: 1 deliveries": _hold_on,
    "left over: the owner": _leave_an_owner,
    "left over: the process": _leave_a_process,
    "sums: 5 runs by state": _miscount,
}


@pytest.mark.parametrize("complaint", FORGERIES)
def test_a_forged_history_is_found_out(complaint: str) -> None:
    history = good()
    FORGERIES[complaint](history)
    assert [found for found in complaints(history) if found.startswith(complaint)]


def test_what_was_cancelled_or_came_too_late_need_not_have_started() -> None:
    history = good()
    history.events = [event for event in history.events if event.id not in ("b", "b-link")]
    history.runs[1:3] = [replace(history.runs[1], state="REVOKED", attempts=())]
    history.states = {"SUCCESS": 2, "REVOKED": 1}
    history.revoked.add("b")
    assert complaints(history) == []
    history.runs[1] = replace(history.runs[1], state="EXPIRED", may_expire=True)
    history.states = {"SUCCESS": 2, "EXPIRED": 1}
    assert complaints(history) == []


def test_a_delivery_that_a_crashed_server_has_forgotten_may_start_once_more() -> None:
    history = good()
    _start_a_delivery_twice(history)
    history.crashes = [(3 * SECOND, 4 * SECOND)]
    assert [found for found in complaints(history) if found.startswith("started twice")]
    history.crashes.append((3 * SECOND // 2, 3 * SECOND))
    assert not [found for found in complaints(history) if found.startswith("started twice")]


def test_a_run_without_a_crash_proves_nothing() -> None:
    history = good()
    history.runs[0] = replace(history.runs[0], attempts=("succeeded",))
    assert gaps(history) == [
        "not exercised: crashes",
        "not exercised: retries",
        "not exercised: successes after a crash",
    ]
    history.events = [event for event in history.events if event.id != "a"]
    assert "not exercised: starts that were broken off" in gaps(history)
    assert "not exercised: accepted calls" in gaps(History())


def test_what_was_witnessed_can_be_read_back(tmp_path: Path) -> None:
    note(tmp_path / "witness", "start", "a", 2, 3)
    (event,) = read_events(tmp_path / "witness")
    assert (event.kind, event.id, event.attempt, event.fence) == ("start", "a", 2, 3)
    append(tmp_path / "calls", "invoke t1", "invoke t2", "invoke t3")
    append(tmp_path / "calls", "ok t1 a", "unknown t2")
    assert read_calls(tmp_path / "calls") == ({"t1", "t2", "t3"}, {"t1": "a"})

"""The worker's parts by themselves: board, ledger, burials, limits, options, frames."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest
from msgspec import Raw, structs

from horarium.engines.records import DeadOwner
from horarium.errors import ImproperlyConfigured, InvalidSetting, SoftTimeLimitExceeded
from horarium.message import Delivery, Join, Message, Signature
from horarium.outcome import ErrorRecord, Failed, Outcome, Replaced, Retried, Revoked, Settlement, Succeeded
from horarium.settings import Settings
from horarium.worker.board import FOREVER, Board, Running
from horarium.worker.cpus import available_cpus, cgroup_quota
from horarium.worker.ledger import Ledger
from horarium.worker.limits import TaskLoop
from horarium.worker.options import WorkerOptions, options_from
from horarium.worker.roster import Sentence, decide_burial
from horarium.worker.wire import Frame, FrameReader, Verb, encode


def delivery(id: str = "a", **options: object) -> Delivery:
    message = Message(id=id, task="t", created=0, **options)  # type: ignore[arg-type]
    return Delivery(message=message, owner="o", fence=3, attempt=1, claimed=0)


# The board.


def test_a_row_tells_what_runs_until_it_is_finished() -> None:
    board = Board(2, 2)
    row = board.slot(1, 0)
    row.start(delivery("ä" * 50, at_most_once=True), now=5, since=1.5, deadline=FOREVER)
    (entry,) = board.running(1)
    assert (entry.id, entry.task, entry.fence, entry.started, entry.since) == ("ä" * 50, "t", 3, 5, 1.5)
    assert entry.at_most_once and entry.deadline == FOREVER
    assert board.running(0) == []
    row.finish()
    assert board.running(1) == []
    assert board.processed(1) == 1


def test_the_same_delivery_started_again_is_another_sequence() -> None:
    board = Board(1, 1)
    row = board.slot(0, 0)
    seen = []
    for _ in range(2):
        row.start(delivery(), now=0, since=0.0, deadline=1.0)
        seen.append(board.running(0)[0].sequence)
        row.finish()
    assert seen[0] != seen[1]


def test_a_successor_starts_with_a_clean_place() -> None:
    board = Board(1, 1)
    board.slot(0, 0).start(delivery(), now=0, since=0.0, deadline=1.0)
    board.grant(0, 99.0)
    board.note_end(0)
    board.clear(0)
    assert board.running(0) == []
    assert (board.lease(0), board.has_ended(0), board.has_started_any(0), board.processed(0)) == (0.0, False, False, 0)


def test_an_id_that_is_too_long_for_a_row_is_cut_and_harms_nothing() -> None:
    board = Board(1, 2)
    board.slot(0, 0).start(delivery("x" * 1000), now=0, since=0.0, deadline=1.0)
    board.slot(0, 1).start(delivery("y"), now=0, since=0.0, deadline=1.0)
    assert [entry.id for entry in board.running(0)] == ["x" * 200, "y"]


# The ledger.


def settlement(id: str, outcome: Outcome) -> Settlement:
    return Settlement(id=id, owner="o", fence=1, outcome=outcome, started=1, ended=2, logs=("said",))


@pytest.mark.parametrize(
    "outcome",
    [
        Succeeded(result=Raw(b'{"a":[1,null]}')),
        Succeeded(result=Raw(b"null")),
        Succeeded(result=None),
        Failed(error=ErrorRecord(class_path="builtins.ValueError", args=Raw(b'["x"]'), text="x")),
        Retried(message=delivery("r", eta=9).message, error=ErrorRecord(class_path="builtins.OSError")),
        Revoked(reason="why"),
    ],
)
def test_the_ledger_gives_back_what_was_entered(outcome: Outcome) -> None:
    ledger = Ledger()
    entered = settlement("a", outcome)
    assert ledger.append(entered)
    assert ledger.read() == [entered]


def test_the_ledger_gives_back_what_a_member_of_a_workflow_did() -> None:
    successor = Message(id="a", task="t", created=0, joins=(Join(id="h0"),), links=(Signature(task="u"),))
    steps = [
        structs.replace(settlement("a", Succeeded(result=None)), value=Raw(value), joins=(Join(id="h0"),))
        for value in (b"null", b"[1]")
    ]
    steps.append(
        structs.replace(settlement("a", Replaced(message=successor)), widens={"h": 2}, follow_ups=(successor,))
    )
    ledger = Ledger()
    for step in steps:
        assert ledger.append(step)
    assert ledger.read() == steps


def test_the_ledger_goes_round_and_never_overwrites() -> None:
    ledger = Ledger(room_bytes=1000)
    kept: list[tuple[Settlement, int]] = []
    for number in range(200):
        entry = settlement(f"{number}" * (number % 7 + 1), Succeeded(result=Raw(b"1")))
        while not (size := ledger.append(entry)):
            oldest, oldest_size = kept.pop(0)
            assert ledger.read()[0] == oldest
            ledger.strike(oldest_size)
        kept.append((entry, size))
        assert ledger.read() == [each for each, _ in kept]


def test_the_ledger_has_no_room_for_what_is_larger_than_itself() -> None:
    ledger = Ledger(room_bytes=1000)
    assert ledger.append(settlement("a", Succeeded(result=Raw(b'"' + b"x" * 2000 + b'"')))) == 0
    assert ledger.read() == []


# Burials.


def running(slot: int, id: str, sequence: int = 1) -> Running:
    return Running(
        slot=slot, sequence=sequence, id=id, task="t", fence=1, started=0, since=1.0, deadline=2.5, at_most_once=False
    )


def test_whoever_dies_by_itself_is_charged_for_what_it_ran() -> None:
    burial = decide_burial("o", [running(0, "a")], status="exit code 0", ended=False)
    assert burial.was_crash
    assert burial.dead.running == ("a",)
    assert burial.dead.error is not None and "exit code 0" in burial.dead.error.text


def test_whoever_dies_while_it_runs_nothing_charges_nobody() -> None:
    assert decide_burial("o", [], status="signal 9", ended=False).dead == DeadOwner(owner="o")


def test_an_orderly_end_or_a_lapsed_lease_gives_back_uncharged() -> None:
    for options in ({"ended": True}, {"ended": False, "lapsed": True}):
        burial = decide_burial("o", [running(0, "a")], status="signal 9", **options)  # type: ignore[arg-type]
        assert not burial.was_crash
        assert burial.dead == DeadOwner(owner="o", running=("a",))
        assert burial.given_back == ("a",)


def test_a_child_killed_for_one_delivery_takes_only_that_along() -> None:
    sentence = Sentence("limit", slot=1, sequence=7)
    rows = [running(0, "a"), running(1, "b", 7)]
    burial = decide_burial("o", rows, status="signal 9", ended=False, sentence=sentence)
    ((guilty, outcome),) = burial.outcomes
    assert guilty.id == "b"
    assert isinstance(outcome, Failed) and "1.5 s" in outcome.error.text
    assert burial.dead == DeadOwner(owner="o", running=("a",))


def test_a_child_that_had_moved_on_when_it_was_killed_is_charged_nothing() -> None:
    sentence = Sentence("revoked", slot=0, sequence=7)
    burial = decide_burial("o", [running(0, "next", 9)], status="signal 9", ended=False, sentence=sentence)
    assert burial.outcomes == ()
    assert burial.dead == DeadOwner(owner="o", running=("next",))


# Options.


def test_options_come_from_the_settings_and_are_overruled_by_the_caller() -> None:
    conf = Settings(worker_concurrency=3, worker_lease=30, task_default_queue="mail", task_time_limit=9)
    options = options_from(conf, lease=2.0, queues=None)
    assert (options.concurrency, options.lease, options.queues, options.time_limit) == (3, 2.0, ("mail",), 9)
    assert options.processes == 3 and options.slots == 1


def test_a_thread_pool_divides_its_slots_among_its_children() -> None:
    options = WorkerOptions(pool="thread", concurrency=10, children=4)
    assert (options.processes, options.slots) == (4, 3)


@pytest.mark.parametrize("pool", ["prefork", "threads", "asyncio", "solo"])
def test_celerys_names_of_pools_are_known(pool: str) -> None:
    assert WorkerOptions(pool=pool).pool in ("process", "thread", "async")  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"lease": 0.1}, {"pool": "eventlet"}, {"time_limit": 0}, {"concurrency": -1}])
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidSetting, match="expected"):
        WorkerOptions(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ImproperlyConfigured, match="one slot per child"):
        WorkerOptions(pool="thread", concurrency=1, children=2)


def test_the_marks_in_a_name_are_filled_in() -> None:
    host = socket.gethostname()
    assert WorkerOptions(name="mail").name == f"mail@{host}"
    assert WorkerOptions(name="w1@%h").name == f"w1@{host}"


# CPUs.


def test_a_quota_of_cgroup_v2_counts_wherever_it_stands_above(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/cpu.max").write_text("150000 100000\n")
    (tmp_path / "a/b/cpu.max").write_text("max 100000\n")
    proc = tmp_path / "proc"
    proc.write_text("0::/a/b\n")
    assert cgroup_quota(proc, tmp_path) == 1.5
    assert available_cpus(proc, tmp_path) == min(2, len(os.sched_getaffinity(0)))


def test_a_quota_of_cgroup_v1_counts(tmp_path: Path) -> None:
    (tmp_path / "cpu,cpuacct/docker/x").mkdir(parents=True)
    (tmp_path / "cpu,cpuacct/docker/x/cpu.cfs_quota_us").write_text("50000")
    (tmp_path / "cpu,cpuacct/docker/x/cpu.cfs_period_us").write_text("100000")
    proc = tmp_path / "proc"
    proc.write_text("4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n")
    assert cgroup_quota(proc, tmp_path) == 0.5
    assert available_cpus(proc, tmp_path) == 1


def test_no_quota_or_an_unreadable_one_limits_nothing(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    proc.write_text("0::/\n")
    assert cgroup_quota(proc, tmp_path) is None
    assert available_cpus(tmp_path / "nothing", tmp_path) == len(os.sched_getaffinity(0))


# Frames.


def test_frames_are_cut_from_a_stream_wherever_it_breaks() -> None:
    ours, theirs = socket.socketpair()
    frames = [Frame(Verb.BORN, 1, 2, 3), Frame(Verb.GONE, 4, 5, 9, True)]
    stream = b"".join(map(encode, frames))
    reader, found = FrameReader(theirs), []
    for start in range(0, len(stream), 7):
        ours.sendall(stream[start : start + 7])
        found += reader.read()
    ours.close()
    assert found == frames
    assert reader.read() == [] and reader.ended
    theirs.close()


# Coroutines with a soft limit.


def test_a_coroutine_may_go_on_after_its_soft_limit_as_if_it_had_never_been_cancelled() -> None:
    async def work() -> str:
        try:
            await asyncio.sleep(10)
        except SoftTimeLimitExceeded:
            async with asyncio.timeout(5):
                await asyncio.sleep(0.001)
        return "tidy"

    loop = TaskLoop()
    assert loop.run(work(), 0.01) == "tidy"
    with pytest.raises(SoftTimeLimitExceeded):
        loop.run(asyncio.sleep(10), 0.01)
    assert loop.run(asyncio.sleep(0, "again"), 5) == "again"
    loop.close()

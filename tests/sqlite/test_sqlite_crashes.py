"""Processes that are killed, and disks that are full: all or nothing, and nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlite_words import claim, message, put_one, succeed

from horarium.engines.records import Page, RunFilter
from horarium.engines.sqlite import SqliteEngine
from horarium.engines.sqlite.connection import Session, Transaction
from horarium.errors import EngineUnavailable

ROUNDS = 6
BATCH = 5

LOOP = """
engine = SqliteEngine(sys.argv[1])
while True:
    now = engine.now()
    batch = [message(now) for _ in range(5)]
    engine.queue.put(batch, now=now)
    print("put", *(each.id for each in batch), flush=True)
    for delivery in claim(engine, str(os.getpid()), 3):
        follow_up = message(now, id=delivery.message.id + "+", queue="next")
        assert succeed(engine, [delivery], follow_up) == ["recorded"]
        print("done", delivery.message.id, flush=True)
"""


def test_a_process_killed_at_any_moment_loses_nothing_it_was_told(
    path: Path, script: Callable[..., subprocess.Popen[str]]
) -> None:
    put: set[str] = set()
    done: set[str] = set()
    for round in range(ROUNDS):
        process = script(LOOP, path)
        assert process.stdout is not None
        for _ in range(30 + 7 * round):  # another moment each time
            take_note(process.stdout.readline(), put, done)
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=60)
        for line in rest.splitlines(keepends=True):
            take_note(line, put, done)
    engine = SqliteEngine(path)
    engine.check()
    states = all_states(engine)
    assert put <= states.keys()
    assert all(states[id] == "SUCCESS" for id in done)
    assert len(done) > ROUNDS
    check_whole(states)
    engine.close()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_killed_at_each_commit_leaves_whole_steps(path: Path, moment: str) -> None:
    SqliteEngine(path).check()
    for commit in range(1, 10):
        pid = os.fork()
        if pid == 0:
            die_at(commit, moment)
            work_for_ever(path)
        os.waitpid(pid, 0)
    check_whole(all_states(SqliteEngine(path)))


def die_at(commit: int, moment: str) -> None:
    """Let this process be killed at its so many-th commit."""
    numbers = count(1)
    ordinary = Transaction._end

    def end(self: Transaction, session: Session, error: BaseException | None) -> None:
        is_last = next(numbers) == commit
        if not (is_last and moment == "before"):
            ordinary(self, session, error)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)

    Transaction._end = end  # type: ignore[method-assign]


def work_for_ever(path: Path) -> None:
    engine = SqliteEngine(path)
    while True:
        now = engine.now()
        engine.queue.put([message(now) for _ in range(BATCH)], now=now)
        for delivery in claim(engine, str(os.getpid()), 3):
            succeed(engine, [delivery], message(now, id=f"{delivery.message.id}+", queue="next"))


def check_whole(states: dict[str, str]) -> None:
    ended = {id for id, state in states.items() if state == "SUCCESS"}
    assert ended
    assert {f"{id}+" for id in ended} == {id for id in states if id.endswith("+")}, "a settlement came apart"
    assert sum(not id.endswith("+") for id in states) % BATCH == 0, "a put came apart"


def take_note(line: str, put: set[str], done: set[str]) -> None:
    if line.endswith("\n"):
        word, *ids = line.split()
        (put if word == "put" else done).update(ids)


def all_states(engine: SqliteEngine) -> dict[str, str]:
    states: dict[str, str] = {}
    after: str | None = None
    while True:
        page = engine.results.search(RunFilter(), Page(limit=500, after=after))
        states.update((run.id, run.state) for run in page.runs)
        after = page.next
        if after is None:
            return states


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte, if this user may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", place], capture_output=True)
    if done.returncode:
        pytest.skip("needs the right to mount")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_is_a_typed_error_and_all_is_well_when_there_is_room_again(small_disk: Path) -> None:
    filler = small_disk / "filler"
    engine = SqliteEngine(small_disk / "store.db")
    kept = [put_one(engine)]
    filler.write_bytes(b"x" * 150_000)
    with pytest.raises(EngineUnavailable, match="no room"):
        while True:
            kept.append(put_one(engine, headers={"filler": "x" * 5000}))
    assert len(kept) > 1
    assert all(engine.results.read(kept))
    filler.unlink()
    kept.append(put_one(engine))
    engine.check()
    assert all(engine.results.read(kept))
    assert engine.inspector.counts().states == {"PENDING": len(kept)}
    engine.close()


def test_a_file_that_may_not_grow_is_a_typed_error(path: Path, script: Callable[..., subprocess.Popen[str]]) -> None:
    text = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from horarium.engines.sqlite.connection import Session, Transaction
from horarium.errors import EngineUnavailable
engine = SqliteEngine(sys.argv[1])
put_one(engine)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
kept = []
try:
    while True: kept.append(put_one(engine, headers={"filler": "x" * 5000}))
except EngineUnavailable: print("unavailable", len(kept))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
kept.append(put_one(engine))
assert all(engine.results.read(kept))
engine.check()
print("well")
"""
    said, _ = script(text, path).communicate(timeout=60)
    first, second = said.splitlines()
    assert first.startswith("unavailable") and second == "well"


def test_every_acknowledged_put_was_flushed(tmp_path: Path, script: Callable[..., subprocess.Popen[str]]) -> None:
    """Under strace: between the write of a frame and the word that it is put lies a flush."""
    trace = tmp_path / "trace"
    if subprocess.run(["which", "strace"], capture_output=True).returncode:
        pytest.skip("needs strace")
    program = script(
        """
engine = SqliteEngine(sys.argv[1])
put_one(engine)
sys.stdin.readline()
for _ in range(5):
    put_one(engine); os.write(1, b"ack\\n")
    succeed(engine, claim(engine, "o", 1)); os.write(1, b"ack\\n")
""",
        tmp_path / "store.db",
    )
    command = ["strace", "-f", "-e", "trace=pwrite64,fdatasync,fsync,write", "-o", trace, "-p", str(program.pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    if "attached" not in tracer.stderr.readline():
        pytest.skip("needs the right to trace")
    program.communicate("go\n", timeout=60)
    tracer.communicate(timeout=60)
    is_dirty, acks = False, 0
    for line in trace.read_text().splitlines():
        if "pwrite64(" in line:
            is_dirty = True
        elif "sync(" in line:
            is_dirty = False
        elif '"ack' in line:
            acks += 1
            assert not is_dirty, "acknowledged before it was flushed"
    assert acks == 10


def test_what_is_committed_outlives_the_process(path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        engine = SqliteEngine(path, "relaxed")
        put_one(engine, id="mine")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert SqliteEngine(path).results.read(["mine"])[0] is not None


def test_a_message_that_cannot_be_read_is_set_aside_alone(engine: SqliteEngine) -> None:
    bad, good = put_one(engine), put_one(engine)
    with engine._store.write() as db:
        db.execute("UPDATE runs SET message = ? WHERE id = ?", (b'{"id": 7', bad))
    assert [delivery.message.id for delivery in claim(engine)] == [good]
    run, _ = engine.results.read([bad, good])
    assert run is not None and run.error is not None
    assert (run.id, run.state, run.error.class_path) == (bad, "DEAD", "horarium.errors.DecodingError")

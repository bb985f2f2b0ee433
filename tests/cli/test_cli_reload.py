"""``dev``'s reloader around real processes: what starts one anew, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from horarium.cli.reload import changes, snapshot

WITHIN = 20.0  # seconds; a bound for a machine that is busy, never a wait

# Appends a line to `starts` whenever it starts; a TERM makes it append to `ends`; ends badly if `broken` exists.
CHILD = """
import os, signal, sys, time
def note(name, text):
    with open(name, "a") as file: file.write(text + chr(10))
if os.path.exists("broken"):
    sys.exit(3)
def stop(number, frame):
    note("ends", str(os.getpid()))
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note("starts", str(os.getpid()))
while True:
    time.sleep(0.05)
"""
PARENT = """
import sys
from pathlib import Path
from horarium.cli.reload import Reloader
say = lambda text: print(text, file=sys.stderr, flush=True)
sys.exit(Reloader([sys.executable, "child.script"], [Path("src")], grace=5.0, say=say).run())
"""


def until(fact: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN
    while not fact():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)  # between two looks at a fact


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "tasks.py").write_text("x = 1\n")
    (tmp_path / "child.script").write_text(CHILD)
    return tmp_path


@pytest.fixture
def parent(project: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=project, stderr=subprocess.PIPE, text=True, process_group=0
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.wait(WITHIN)
    assert process.stderr is not None
    process.stderr.close()
    for pid in lines(project / "starts"):  # a test that failed may have left one
        if is_running(pid) and b"child.script" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(int(pid), signal.SIGKILL)


def is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"


def save(project: Path, text: str) -> None:
    path = project / "src" / "tasks.py"
    path.write_text(text)
    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns + 1_000_000))  # even on a clock of coarse ticks


def test_a_save_starts_it_anew_after_an_orderly_end(project: Path, parent: subprocess.Popen[str]) -> None:
    until(lambda: len(lines(project / "starts")) == 1)
    save(project, "x = 2\n")
    until(lambda: len(lines(project / "starts")) == 2)
    assert lines(project / "ends") == lines(project / "starts")[:1]


def test_a_new_file_counts_as_a_change(project: Path, parent: subprocess.Popen[str]) -> None:
    until(lambda: len(lines(project / "starts")) == 1)
    (project / "src" / "more.py").write_text("y = 1\n")
    until(lambda: len(lines(project / "starts")) == 2)


def test_one_that_cannot_start_waits_for_the_next_save(project: Path, parent: subprocess.Popen[str]) -> None:
    until(lambda: len(lines(project / "starts")) == 1)
    (project / "broken").touch()
    save(project, "x = (\n")
    assert parent.stderr is not None
    said = ""
    while "waiting for the next save" not in said:
        said = parent.stderr.readline()
        assert said, "it ended instead of waiting"
    assert "exit code 3" in said
    (project / "broken").unlink()
    save(project, "x = (1)\n")
    until(lambda: len(lines(project / "starts")) == 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_it_ends_its_child_and_exits_with_0(
    project: Path, parent: subprocess.Popen[str], number: signal.Signals
) -> None:
    until(lambda: len(lines(project / "starts")) == 1)
    parent.send_signal(number)
    assert parent.wait(WITHIN) == 0
    assert lines(project / "ends") == lines(project / "starts")


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_its_child_does_not_outlive_it_even_when_it_is_killed(project: Path, parent: subprocess.Popen[str]) -> None:
    until(lambda: len(lines(project / "starts")) == 1)
    [child] = lines(project / "starts")
    parent.kill()
    until(lambda: not is_running(child))
    assert lines(project / "ends") == [child]


def test_a_file_that_goes_while_it_is_looked_at_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Editors write a new file beside the old one and rename it; a change of branches removes many."""
    for name in ("here.py", "gone.py"):
        (tmp_path / name).write_text("")
    scandir = os.scandir

    def listed(path: str) -> list[os.DirEntry[str]]:
        found = list(scandir(path))
        (tmp_path / "gone.py").unlink()
        return found

    monkeypatch.setattr(os, "scandir", listed)
    assert [Path(path).name for path in snapshot([tmp_path])] == ["here.py"]


def test_environments_and_hidden_folders_are_not_watched(tmp_path: Path) -> None:
    for name in (".git/a.py", "venv/pyvenv.cfg", "venv/b.py", "node_modules/c.py", "src/d.py", "src/e.txt", "f.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert {Path(path).relative_to(tmp_path).as_posix() for path in snapshot([tmp_path])} == {"src/d.py", "f.py"}


def test_changes_names_what_differs_came_and_went(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = {str(tmp_path / name): 1 for name in ("same.py", "old.py", "gone.py")}
    after = {str(tmp_path / "same.py"): 1, str(tmp_path / "old.py"): 2, str(tmp_path / "new.py"): 1}
    assert changes(before, after) == ["gone.py", "new.py", "old.py"]

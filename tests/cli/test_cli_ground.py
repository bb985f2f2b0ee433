"""Pidfile, background, user and health of real workers and schedulers."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from horarium.cli.ground import expand
from horarium.pulse import Place, Pulse, Writer, read, start_of, written

WITHIN = 30.0
SHOP = """
from horarium import Horarium, every

app = Horarium("shop", store="sqlite:///shop.db")


@app.task(name="shop.charge")
def charge(order: int) -> int:
    return order * 2
"""


def until(fact: Callable[[], object]) -> None:
    end = time.monotonic() + WITHIN
    while not fact():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)  # between two looks at a fact


class Yard:
    """A folder with an app, where runners are started; their run directory is the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run_dir = folder / "run"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HORARIUM_", "CELERY_"))}
        self.environment = {**kept, "HORARIUM_RUN_DIR": str(self.run_dir)}
        self.started: list[subprocess.Popen[bytes]] = []
        self.detached: list[int] = []

    def run(self, *arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-m", "horarium", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"log{len(self.started)}").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "horarium", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
        )
        log.close()
        self.started.append(process)
        return process

    def note_detached(self, pidfile: str) -> int:
        path = self.folder / pidfile
        until(lambda: path.exists() and path.read_text().strip())
        self.detached.append(int(path.read_text()))
        return self.detached[-1]

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(WITHIN)
        for pid in self.detached:
            if start_of(pid):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Yard]:
    (tmp_path / "shop.py").write_text(SHOP)
    place = Yard(tmp_path)
    yield place
    place.close()


def test_health_is_well_while_worker_and_scheduler_work_and_not_after_row_109(place: Yard) -> None:
    assert place.run("health").returncode == 69
    place.start("worker", "-c", "2", "-n", "w1@here")
    beat = place.start("beat")
    until(lambda: place.run("health", "worker").returncode == 0 and place.run("health", "beat").returncode == 0)
    assert place.run("health", "--name", "w1").stdout == "w1@here: OK\n"
    assert place.run("-q", "health", "worker").stdout == ""
    assert place.run("health", "--name", "w2").returncode == 69
    beat.terminate()
    assert beat.wait(WITHIN) == 0
    assert place.run("health", "beat").returncode == 69
    assert place.run("health").returncode == 0


def test_a_worker_that_was_killed_is_not_well_until_another_takes_its_place(place: Yard) -> None:
    worker = place.start("worker", "-c", "1", "-n", "w1@here")
    until(lambda: place.run("health").returncode == 0)
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait(WITHIN)
    result = place.run("health")
    assert result.returncode == 69 and "has ended without a goodbye" in result.stderr
    place.start("worker", "-c", "1", "-n", "w1@here")
    until(lambda: place.run("health").returncode == 0)


def test_a_child_that_does_not_look_is_seen_though_its_parent_lives(place: Yard) -> None:
    """RC3: a parent that answers while its children do not is not well."""
    worker = place.start("worker", "-c", "1")
    until(lambda: place.run("health").returncode == 0)
    [zygote] = _children(worker.pid)
    [child] = _children(zygote)
    os.kill(child, signal.SIGSTOP)
    until(lambda: place.run("health", "--max-age", "2").returncode == 69)
    sick = place.run("health", "--max-age", "2").stderr
    assert "has not looked for work: child-0 for" in sick and "child-1" not in sick  # it has room for more, and no more


@pytest.mark.parametrize("arguments", [["--max-age", "soon"], ["--max-age"], ["werker"], ["--max-age=-1"]])
def test_a_probe_that_is_asked_wrongly_says_so(place: Yard, arguments: list[str]) -> None:
    result = place.run("health", *arguments)
    assert result.returncode == 64 and result.stderr.startswith("error: expected")


def test_a_probe_imports_neither_the_app_nor_the_command_line() -> None:
    script = (
        "import sys; from horarium.health import main; main([]);"
        "print([m for m in sys.modules if m.startswith('horarium.') or m in ('click', 'msgspec', 'typing', 'json')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=WITHIN, check=True)
    names = eval(done.stdout.splitlines()[-1])
    assert sorted(names) == ["horarium.health", "horarium.pulse"]


def test_a_pulse_is_read_as_it_was_written() -> None:
    pulse = Pulse("worker", "a b@here", 7, 9, 1.5, "running", (Place("child-0", 2.5, "busy"),))
    found = read(written(pulse))
    assert found is not None and written(found) == written(pulse)
    assert read("") is None and read("horarium-pulse 1\nkind worker\n") is None


def test_a_pulse_that_cannot_be_written_says_why_and_keeps_nobody_from_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    writer = Writer(str(tmp_path / "file"), "worker", "w")
    assert writer.trouble is not None and "set HORARIUM_RUN_DIR" in writer.trouble
    writer.write(1.0, "running", ())
    writer.end()


def test_a_detached_worker_holds_its_pidfile_and_a_second_one_exits_with_73(place: Yard) -> None:
    first = place.run(
        "worker", "-D", "-c", "1", "-n", "w%i@here", "--pidfile", "%n.pid", "-f", "%p.log", "--umask", "077"
    )
    assert first.returncode == 0 and "in the background as process" in first.stderr
    pid = place.note_detached("w0.pid")
    until(lambda: "ready." in (place.folder / "w0@here.log").read_text())
    second = place.run("worker", "-n", "w0@here", "--pidfile", "w0.pid")
    assert second.returncode == 73 and f"process {pid} holds it" in second.stderr
    assert (place.folder / "w0@here.log").stat().st_mode & 0o777 == 0o600
    os.kill(pid, signal.SIGTERM)
    until(lambda: not (place.folder / "w0.pid").exists())


def test_a_detached_scheduler_may_run_with_another_interpreter(place: Yard) -> None:
    (place.folder / "sub").mkdir()
    (place.folder / "shop.py").rename(place.folder / "sub" / "shop.py")
    own = ["--workdir", "sub", "beat", "--detach", "--executable", sys.executable]
    done = place.run(*own, "--pidfile=b.pid", "--logfile=b.log")
    assert done.returncode == 0
    pid = place.note_detached("sub/b.pid")
    until(lambda: place.run("health", "beat").returncode == 0)
    os.kill(pid, signal.SIGTERM)
    until(lambda: not (place.folder / "sub" / "b.pid").exists())


@pytest.mark.parametrize("left", ["999999999", "", "no pid", str(os.getppid())])
def test_a_pidfile_that_is_left_from_before_is_taken_over(place: Yard, left: str) -> None:
    """BT8: the pid in it may be another process's by now, one that began after the file was written."""
    path = place.folder / "w.pid"
    path.write_text(left)
    os.utime(path, (1.0, 1.0))  # long before any process of this host
    worker = place.start("worker", "-c", "1", "--pidfile", "w.pid")
    until(lambda: path.exists() and path.read_text() == f"{worker.pid}\n")


def test_settings_may_stand_behind_the_options(place: Yard) -> None:
    worker = place.start("worker", "-l", "info", "worker.concurrency=3", ".lease=7.5")
    until(lambda: "concurrency: 3 (process)" in (place.folder / "log0").read_text())
    worker.terminate()
    assert worker.wait(WITHIN) == 0
    wrong = place.run("worker", "worker.concurency=3")
    assert wrong.returncode == 1 and "did you mean 'worker_concurrency'" in wrong.stderr
    assert place.run("worker", "info").returncode == 64


def test_a_user_that_does_not_exist_is_wrong_usage(place: Yard) -> None:
    result = place.run("worker", "--uid", "nobody-at-all")
    assert result.returncode == 64 and "expected --uid to be a user of this host" in result.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_root_becomes_the_user_it_is_told_to_be_and_hands_over_its_files(tmp_path: Path) -> None:
    script = (
        "import os, sys; from horarium.cli.ground import stand; from horarium.cli.session import Session;"
        "names = 'logfile pidfile detach uid gid umask executable run_dir'.split();"
        "stand(Session(), 'w@h', {**dict.fromkeys(names), 'logfile': sys.argv[1], 'uid': 'nobody'});"
        "print(os.getuid(), os.getgid(), os.getgroups(), flush=True); os._exit(0)"
    )
    log = tmp_path / "w.log"
    subprocess.run([sys.executable, "-c", script, str(log)], timeout=WITHIN, check=True)
    nobody = pwd.getpwnam("nobody")
    assert log.read_text() == f"{nobody.pw_uid} {nobody.pw_gid} [{nobody.pw_gid}]\n"
    assert log.stat().st_uid == nobody.pw_uid


def test_names_in_paths_are_filled_in_as_celery_does() -> None:
    assert expand("/log/%n%I-%h-%d-%i-%p-100%%.log", "w1@vm.example.org") == (
        "/log/w1-vm.example.org-example.org-0-w1@vm.example.org-100%.log"
    )


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

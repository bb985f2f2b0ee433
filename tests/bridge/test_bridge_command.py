"""``horarium bridge`` as a process: mistakes, one pass, a side that goes away, and the end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bridge_words import Redis, on_the_wire
from sides import NEW, WITHIN, until

from servers import RedisServer, free_port

ROOT = Path(__file__).parents[2]


class Command:
    """The command line in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "shop.py").write_text(NEW)
        self.log = folder / "log"
        self.processes: list[subprocess.Popen[bytes]] = []

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "horarium", "-A", "shop", *arguments]
        return subprocess.run(
            command,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
            env=self._environment(),
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "horarium", "-A", "shop", *arguments]
        with self.log.open("wb") as out:
            process = subprocess.Popen(command, cwd=self._folder, stdout=out, stderr=out, env=self._environment())
        self.processes.append(process)
        return process

    def await_said(self, text: str) -> None:
        until(lambda: text in self.log.read_text(), self.log.read_text)

    def _environment(self) -> dict[str, str]:
        import os

        return {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def horarium(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path)
    yield command
    for process in command.processes:
        if process.poll() is None:
            process.kill()
        process.wait(WITHIN)


MISTAKES = {
    "the URL of a broker of Celery's": ["in", "--from", "sqs://x", "--queues", "celery"],
    "Celery's result backend on Redis": ["in", "--from", "redis://x", "--queues", "celery", "--results", "rpc://"],
    "to have different queues, got celery": ["both", "--celery", "redis://x", "--in", "celery", "--out", "a=celery"],
    "to other queues than what goes out": ["both", "--celery", "redis://x", "--in", "celery", "--out", "celery=old"],
    "names of queues such as": ["in", "--from", "redis://x", "--queues", "celery="],
    "Missing option '--queues'": ["out", "--to", "redis://x"],
}


@pytest.mark.parametrize(("said", "arguments"), MISTAKES.items(), ids=list(MISTAKES))
def test_a_mistake_is_one_line_that_says_what_to_do(horarium: Command, said: str, arguments: list[str]) -> None:
    done = horarium("bridge", *arguments)
    assert done.returncode in (1, 64)
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_once_carries_what_is_there_and_ends(horarium: Command, redis_server: RedisServer) -> None:
    Redis(redis_server)("LPUSH", "celery", on_the_wire("a"), on_the_wire("b"))
    done = horarium("bridge", "in", "--from", redis_server.url, "--queues", "celery", "--once")
    assert done.returncode == 0, done.stderr
    assert "stopped: taken 2" in done.stderr
    listed = horarium("runs", "list", "--json")
    assert listed.stdout.count('"shop.add"') == 2


def test_once_with_a_broker_that_is_away_says_so_and_ends_with_69(horarium: Command) -> None:
    done = horarium(
        "bridge", "in", "--from", f"redis://:secret@127.0.0.1:{free_port()}/0", "--queues", "celery", "--once"
    )
    assert done.returncode == 69
    assert done.stderr.count("error: ") == 1
    assert "secret" not in done.stderr + done.stdout


def test_a_broker_that_is_away_is_waited_for_and_told_once_each_time(
    horarium: Command, redis_server: RedisServer
) -> None:
    redis_server.kill()
    process = horarium.start("bridge", "in", "--from", redis_server.url, "--queues", "celery")
    horarium.await_said("bridge in: redis://")
    redis_server.start()
    horarium.await_said("bridge in: works again")
    Redis(redis_server)("LPUSH", "celery", on_the_wire("a"))
    horarium.await_said("Task shop.add[a] taken from celery")
    redis_server.kill()
    until(lambda: horarium.log.read_text().count("trying again") == 2, horarium.log.read_text)
    redis_server.start()
    until(lambda: horarium.log.read_text().count("works again") == 2, horarium.log.read_text)
    Redis(redis_server)("LPUSH", "celery", on_the_wire("b"))
    horarium.await_said("Task shop.add[b] taken from celery")
    process.send_signal(signal.SIGTERM)
    assert process.wait(WITHIN) == 0
    said = horarium.log.read_text()
    assert said.count("trying again until it works") == 2
    assert said.rstrip().endswith("stopped: taken 2")
    assert "Traceback" not in said


def test_status_shows_that_a_bridge_lives_until_it_is_stopped(horarium: Command, redis_server: RedisServer) -> None:
    process = horarium.start("bridge", "in", "--from", redis_server.url, "--queues", "celery", "-n", "bridge@old")
    until(lambda: "bridge@old: OK" in horarium("status", "-t", "0").stdout)
    process.send_signal(signal.SIGINT)
    assert process.wait(WITHIN) == 0
    assert "bridge@old" not in horarium("status", "-t", "0").stdout

"""The app whose processes are killed here. Each task that takes a ``token`` first tells the witness of its start and
end, and returns the fence of the delivery that came to the end, so that a made-up result would show."""

from __future__ import annotations

import ctypes
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import breakages
import faults
import history

from horarium import Horarium, every
from horarium.app.task import Task
from horarium.clock import Instant, SystemClock
from horarium.engines import connect as door

WITNESS = os.environ.get("CRASH_WITNESS", "")
if "CRASH_FAULTS" in os.environ:
    door.connect = faults.from_environment(door.connect)
if "CRASH_BREAK" in os.environ:
    door.connect = breakages.from_environment(door.connect)


class StepClock(SystemClock):
    """A host's clock that is wrong by so many seconds, and steps to the next of them every other second."""

    def __init__(self, errors: list[float]) -> None:
        self._errors = errors

    def now(self) -> Instant:
        error = self._errors[int(self.monotonic() / 2) % len(self._errors)]
        return super().now() + round(error * 1000)


CLOCK_ERRORS = [float(error) for error in os.environ.get("CRASH_CLOCK", "").split()]
app = Horarium(
    "victims",
    store=os.environ.get("CRASH_STORE", "memory://"),
    result_backend=os.environ.get("CRASH_RESULTS", "store"),
    clock=StepClock(CLOCK_ERRORS) if CLOCK_ERRORS else None,
)
# Kills at random hit the same message now and then more than the three times that mark a poison one. Here nobody is
# to blame: whatever is DEAD in the end is a fault.
app.conf.worker_crash_limit = int(os.environ.get("CRASH_LIMIT", "1000"))
app.conf.task_publish_timeout = float(os.environ.get("CRASH_PUBLISH_TIMEOUT", "5"))
app.conf.worker_lease = 2.0
app.conf.worker_sweep = 1.0

SCHEDULES = {name: {"task": "tick", "schedule": every(1)} for name in os.environ.get("CRASH_SCHEDULES", "").split()}
app.conf.beat_schedule = SCHEDULES


@contextmanager
def witnessed(task: Task) -> Iterator[list[Any]]:
    """Tell of a task's start, and of its end unless it is broken off; yields what it is to return."""
    request = task.request
    history.note(WITNESS, "start", str(request.id), request.attempt, request.fence)
    yield [request.fence]
    history.note(WITNESS, "end", str(request.id), request.attempt, request.fence)


@app.task(name="tick", bind=True)
def tick(self: Task, edition: int = 0) -> list[Any]:
    """What the schedules send; ``edition`` tells by which edit of them."""
    with witnessed(self) as result:
        return result


@app.task(name="linger", bind=True)
def linger(self: Task, most: float = 1.6) -> list[Any]:
    """What the schedules send whose runs may not overlap: takes any time up to ``most``."""
    with witnessed(self) as result:
        time.sleep(random.uniform(0.0, most))
        return result


@app.task(name="short", bind=True)
def short(self: Task, token: str) -> list[Any]:
    with witnessed(self) as result:
        return result


@app.task(name="brief", bind=True)
def brief(self: Task, token: str) -> list[Any]:
    """Takes so long that a child claims several at once, and can be caught with a line of them."""
    with witnessed(self) as result:
        time.sleep(0.004)
        return result


@app.task(name="nap", bind=True)
def nap(self: Task, token: str, seconds: float) -> list[Any]:
    with witnessed(self) as result:
        time.sleep(seconds)
        return result


@app.task(name="flaky", bind=True, max_retries=10, default_retry_delay=0.2)
def flaky(self: Task, token: str, failures: int, seconds: float) -> list[Any]:
    """Fails so many times before it works."""
    with witnessed(self) as result:
        time.sleep(seconds)
        if self.request.retries < failures:
            raise self.retry(exc=ConnectionError(token))
        return result


@app.task(name="follow", bind=True)
def follow(self: Task, before: list[Any], token: str) -> list[Any]:
    """Follows another as its link."""
    with witnessed(self) as result:
        return result


@app.task(name="flood", bind=True)
def flood(self: Task, token: str, mib: int) -> list[Any]:
    """Writes without end: as text, past the interpreter, and from a program."""
    with witnessed(self) as result:
        line = "x" * 1023 + "\n"
        for _ in range(mib * 512):
            sys.stdout.write(line)
        os.write(1, line.encode() * 512)
        subprocess.run([sys.executable, "-c", f"print('y' * {mib * 524_288})"], check=True)
        return result


@app.task(name="segfault_in_thread", bind=True)
def segfault_in_thread(self: Task, token: str) -> list[Any]:
    """Reads address 0 from a thread of its own, while the task's thread waits; the second attempt is well."""
    with witnessed(self) as result:
        if self.request.attempt == 1:
            signal.signal(signal.SIGSEGV, signal.SIG_DFL)
            thread = threading.Thread(target=ctypes.string_at, args=(0,))
            thread.start()
            thread.join()
        return result


@app.task(name="recurse_in_c", bind=True)
def recurse_in_c(self: Task, token: str) -> list[Any]:
    """Recurses through C code until the stack is used up, where the interpreter does not count."""
    with witnessed(self) as result:
        if self.request.attempt == 1:
            signal.signal(signal.SIGSEGV, signal.SIG_DFL)
            sys.setrecursionlimit(10**9)
            nested: Any = None
            for _ in range(300_000):
                nested = [nested]
            repr(nested)
        return result


@app.task(name="leave_grandchildren", bind=True)
def leave_grandchildren(self: Task, token: str, number: int) -> list[Any]:
    """Starts programs, and forks copies of its own process, that outlive it."""
    with witnessed(self) as result:
        for _ in range(number):
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        for _ in range(number):
            if os.fork() == 0:
                time.sleep(600)
                os._exit(0)
        return result


@app.task(name="fan_out", bind=True)
def fan_out(self: Task, token: str, number: int) -> list[Any]:
    """Works with processes of its own, which call other tasks and use the store."""
    with witnessed(self) as result:
        with get_context("fork").Pool(number) as pool:
            ids = pool.map(_call_short, [f"{token}.{n}" for n in range(number)])
        result.append(ids)
        return result


@app.task(name="terminate_copies", bind=True)
def terminate_copies(self: Task, token: str, number: int) -> list[Any]:
    """Starts processes of its own and ends them; they are to end as any process does."""
    with witnessed(self) as result:
        copies = [get_context("fork").Process(target=time.sleep, args=(600,)) for _ in range(number)]
        for copy in copies:
            copy.start()
        for copy in copies:
            copy.terminate()
            copy.join()
        assert [copy.exitcode for copy in copies] == [-signal.SIGTERM] * number
        return result


@app.task(name="leak_descriptors", bind=True)
def leak_descriptors(self: Task, token: str) -> list[Any]:
    """Opens files until it may not, and keeps them for a while."""
    with witnessed(self) as result:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, limits[1]))
        leaked = []
        try:
            while True:
                leaked.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            time.sleep(0.5)
        for descriptor in leaked:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        return result


@app.task(name="hog", bind=True)
def hog(self: Task, token: str, mib: int) -> list[Any]:
    """Takes and uses so much memory at its first attempt, not all at once."""
    with witnessed(self) as result:
        taken = []
        for _ in range(mib if self.request.attempt == 1 else 0):
            taken.append(bytearray(os.urandom(1) * (1 << 20)))
            time.sleep(0.003)
        return result


@app.task(name="poison", bind=True)
def poison(self: Task, token: str) -> list[Any]:
    """Kills whatever process runs it, each time."""
    with witnessed(self) as result:
        os.kill(os.getpid(), signal.SIGKILL)
        return result


def _call_short(token: str) -> str:
    path = Path(os.environ["CRASH_CALLS"])
    history.append(path, f"invoke {token}")
    id: str = Context().run(short.delay, token).id  # a call of its own, not one that stems from the running task
    history.append(path, f"ok {token} {id}")
    return id


@app.task(name="exit_quietly", bind=True)
def exit_quietly(self: Task, token: str) -> list[Any]:
    """Ends its process with exit code 0 at the first attempt, in the middle of what it does."""
    with witnessed(self) as result:
        if self.request.attempt == 1:
            os._exit(0)
        return result

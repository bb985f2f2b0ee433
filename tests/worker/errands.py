"""The app that the worker processes of these tests run. Its tasks write what they do to a witness file, one line per
fact with a single append, so what happened is known whatever became of the process or the store."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from horarium import Horarium
from horarium.app.signature import Signature
from horarium.errors import SoftTimeLimitExceeded

app = Horarium(
    "errands",
    store=os.environ.get("ERRANDS_STORE", "memory://"),
    result_backend=os.environ.get("ERRANDS_RESULTS", "store"),
)
WITNESS = os.environ.get("ERRANDS_WITNESS", "")


def note(*words: object) -> None:
    line = " ".join(map(str, (*words, os.getpid()))) + "\n"
    descriptor = os.open(WITNESS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, line.encode())
    os.close(descriptor)


@app.task(name="add")
def add(x, y):
    return x + y


@app.task(name="mark", bind=True)
def mark(self, word: str) -> str:
    note("mark", word, self.request.attempt)
    return word


@app.task(name="nap", bind=True)
def nap(self, word: str, seconds: float) -> str:
    note("start", word, self.request.attempt)
    time.sleep(seconds)
    note("end", word, self.request.attempt)
    return word


@app.task(name="anap", bind=True)
async def anap(self, word: str, seconds: float) -> str:
    note("start", word, self.request.attempt)
    await asyncio.sleep(seconds)
    note("end", word, self.request.attempt)
    return word


@app.task(name="hang_once", bind=True)
def hang_once(self, word: str) -> str:
    """Hangs at its first attempt only."""
    note("start", word, self.request.attempt)
    if self.request.attempt == 1:
        time.sleep(600)
    note("end", word, self.request.attempt)
    return word


@app.task(name="once_only", acks_late=False)
def once_only(word: str) -> None:
    note("start", word)
    time.sleep(600)


@app.task(name="die", bind=True)
def die(self, how: str, times: int = 1) -> str:
    """Ends its process, so many attempts long."""
    note("start", how, self.request.attempt)
    if self.request.attempt > times:
        return "survived"
    if how == "segv":
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        ctypes.string_at(0)
    elif how == "abort":
        os.abort()
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "exit0":
        os._exit(0)
    elif how == "exit1":
        os._exit(1)
    elif how == "sys.exit":
        sys.exit(3)
    elif how == "recursion":
        return deep(0)
    raise AssertionError(how)


def deep(depth: int) -> str:
    return deep(depth + 1)


@app.task(name="stubborn")
def stubborn(word: str, seconds: float) -> str:
    """Swallows its soft limit."""
    note("start", word)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            time.sleep(0.02)
        except Exception:
            note("swallowed", word)
    return word


@app.task(name="deaf")
def deaf(word: str, seconds: float) -> str:
    """Sleeps in C, where no exception can reach it."""
    note("start", word)
    ctypes.CDLL(None).usleep(int(seconds * 1_000_000))
    note("end", word)
    return word


@app.task(name="polite")
def polite(word: str, seconds: float) -> str:
    """Cleans up at its soft limit, and returns."""
    try:
        for _ in range(int(seconds * 50)):
            time.sleep(0.02)
    except SoftTimeLimitExceeded:
        return f"{word} in time"
    return f"{word} late"


@app.task(name="apolite")
async def apolite(word: str, seconds: float) -> str:
    try:
        await asyncio.sleep(seconds)
    except SoftTimeLimitExceeded:
        await asyncio.sleep(0.01)
        return f"{word} in time"
    return f"{word} late"


@app.task(name="astubborn")
async def astubborn(word: str, seconds: float) -> str:
    note("start", word)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            note("swallowed", word)
    return word


@app.task(name="block_loop")
async def block_loop(word: str, seconds: float) -> str:
    note("start", word)
    time.sleep(seconds)
    return word


@app.task(name="spawn")
def spawn(word: str) -> int:
    """Starts a program and waits for it; it must not outlive the task's process."""
    child = subprocess.Popen(["sleep", "600"])
    note("spawned", word, child.pid)
    child.wait()
    return child.pid


@app.task(name="fork")
def fork(word: str, how: str) -> int:
    """Forks and comes back in the copy too."""
    pid = os.fork()
    if pid == 0:
        note("copy", word)
        if how == "exits":
            sys.exit(0)
        if how == "raises":
            raise ValueError(word)
        return -1
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


@app.task(name="afork")
async def afork(word: str, how: str) -> int:
    return fork.run(word, how)


@app.task(name="total")
def total(values: list[int]) -> int:
    note("total", *values)
    return sum(values)


@app.task(name="gather")
def gather(words: list[str]) -> str:
    return " ".join(words)


@app.task(name="fail")
def fail(*given: object) -> None:
    raise ValueError("no such errand")


@app.task(name="swap", bind=True)
def swap(self, given: dict) -> None:
    self.replace(Signature.from_dict(given, app=app))


@app.task(name="adds", bind=True)
def adds(self, x: int) -> int:
    self.add_to_chord(add.s(x, 100))
    return x


@app.task(name="on_failed_id")
def on_failed_id(failed: str) -> None:
    note("failed", failed)


@app.task(name="on_failed_call")
def on_failed_call(request: object, exc: BaseException, traceback: str) -> None:
    note("failed", request.id, type(exc).__name__, traceback is None)


@app.task(name="babble")
def babble(lines: int) -> int:
    for number in range(lines):
        print(f"line {number} " + "x" * 100)
    return lines


@app.task(name="confess", redact="card")
def confess(card: str, password: str, fail: bool) -> str:
    """Says its secrets in every way there is; ``minted`` is one that stands in no argument."""
    minted = "ghp_" + "".join(chr(ord("a") + number % 26) for number in range(36))
    log = logging.getLogger("errands")
    log.warning("card %s, password %s, minted %s", card, password, minted)
    print(f"printed {card} {password} {minted}")
    if fail:
        raise ValueError(f"{card} {password} {minted}")
    return f"{card} {password} {minted}"


@app.task(name="hog")
def hog(mib: int) -> int:
    app.hoard = [bytes(bytearray(os.urandom(1) * 1_048_576)) for _ in range(mib)]  # type: ignore[attr-defined]
    return os.getpid()


@app.task(name="pid")
def pid() -> int:
    return os.getpid()


@app.task(name="sway", bind=True, max_retries=2, default_retry_delay=0.2)
def sway(self, word: str) -> str:
    note("start", word, self.request.attempt)
    if self.request.retries < 2:
        raise self.retry(exc=ValueError(word))
    return word


def witnessed(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@app.task(name="mislaid")
def mislaid() -> str:
    return "never started"


mislaid.time_limit = "3"  # type: ignore[assignment]  # set past every check


@app.task(name="finish_in", bind=True)
def finish_in(self, word: str, how: str = "commit") -> str:
    """Ends in a transaction of its own, on the app's PostgreSQL."""
    import psycopg

    with psycopg.connect(os.environ["ERRANDS_STORE"].partition("?")[0]) as connection:
        self.finish_in(connection, result=word)
        note("finished", word, self.request.attempt)
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "roll back":
            connection.rollback()
    return word


@app.task(name="paced", rate_limit="20/s")
def paced(word: str) -> None:
    note("paced", f"{time.time():.4f}", word)


@app.task(name="narrow", concurrency=2)
def narrow(word: str) -> None:
    began = time.time()
    time.sleep(0.05)  # the length of the work
    note("narrow", f"{began:.4f}", f"{time.time():.4f}", word)


@app.task(name="keyed", concurrency=1, concurrency_key="customer:{customer_id}")
def keyed(customer_id: int, word: str) -> None:
    began = time.time()
    time.sleep(0.05)  # the length of the work
    note("keyed", f"{began:.4f}", f"{time.time():.4f}", customer_id, word)

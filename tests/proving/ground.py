"""The ground on which crash and chaos tests stand: real command lines on a store of the test's own, and the reckoning.

Every process that stems from a test bears its mark in its environment, so whatever is left over is found, even if its
parents are gone; and nothing without the mark is ever signalled.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import history
import msgspec
from history import Ending, History
from reaper import marked

from horarium import Horarium
from horarium.engines.records import Page, RunFilter
from horarium.outcome import ENDED, Run

HERE = Path(__file__).parent
UNAVAILABLE = 69  # the exit code of a command that could not reach the store
PATIENCE = 40.0  # far longer than anything takes; the machine may be busy with other tests


def wait_for(fact: Callable[[], Any], what: Callable[[], str] | str, timeout: float = PATIENCE) -> Any:
    """Wait until something is true and return it; fail when it has not become so."""
    deadline = time.monotonic() + timeout
    while True:
        found = fact()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.02)  # between two looks at a fact


class Program:
    """A process that the test started, and its log."""

    def __init__(self, role: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.role = role
        self.process = process
        self.pid = process.pid
        self.log = log

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def says(self, words: str, times: int = 1, timeout: float = PATIENCE) -> None:
        wait_for(
            lambda: self.text.count(words) >= times, lambda: f"{words!r} in the log:\n{self.text[-3000:]}", timeout
        )

    def signal(self, number: int) -> None:
        if self.is_running:
            os.kill(self.pid, number)

    def ends(self, timeout: float = PATIENCE) -> int:
        """Wait for its end; return its exit code."""
        return self.process.wait(timeout)

    def zygote(self) -> int | None:
        """The process that bears a worker's children."""
        return next(iter(children_of(self.pid)), None)

    def children(self) -> list[int]:
        """The processes that run a worker's tasks."""
        zygote = self.zygote()
        return [] if zygote is None else children_of(zygote)

    def tree(self) -> list[int]:
        """A worker with its zygote and children."""
        zygote = self.zygote()
        return [self.pid, *([] if zygote is None else [zygote, *children_of(zygote)])]


class Ground:
    """One test's store, account and processes.

    The store is a file in the folder unless ``url`` names another one. ``through`` is the URL by which the processes
    reach it where that is not the test's own way, such as by a proxy.
    """

    def __init__(self, folder: Path, *, url: str | None = None, through: str | None = None, **environment: str) -> None:
        self.folder = folder
        self.store = folder / "store.db"
        self.url = url or f"sqlite:///{self.store}"
        self.witness = folder / "witness.txt"
        self.calls = folder / "calls.txt"
        self.programs: list[Program] = []
        self._mark = f"CRASH_GROUND={folder}"
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(HERE / "reaper.py"), self._mark],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self.environment = {
            **os.environ,
            "CRASH_GROUND": str(folder),
            "CRASH_STORE": through or self.url,
            "CRASH_WITNESS": str(self.witness),
            "CRASH_CALLS": str(self.calls),
            "CRASH_STRUCK": str(folder / "struck.txt"),
            "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        results = environment.get("CRASH_RESULTS", "store")
        self.app = Horarium("victims", store=self.url, result_backend=results, set_as_current=False)

    # Starting and ending.

    def start(self, role: str, *command: str, under: Sequence[str] = (), **options: Any) -> Program:
        """Start Python with arguments; ``under`` is a command that starts what it is given."""
        log = self.folder / f"{role}-{len(self.programs)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*under, sys.executable, *command],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=self.environment,
                cwd=self.folder,
                start_new_session=True,
                **options,
            )
        program = Program(role, process, log)
        self.programs.append(program)
        return program

    def worker(self, *arguments: str, ready: bool = True, **options: Any) -> Program:
        given = ("-l", "info", "-c", "2", "--lease", "2", "--sweep", "1", *arguments)
        worker = self.start("worker", "-m", "horarium", "-A", "victims", "worker", *given, **options)
        if ready:
            worker.says("ready.")
        return worker

    def beat(self, *arguments: str) -> Program:
        return self.start("beat", "-m", "horarium", "-A", "victims", "beat", *arguments)

    def producer(self, name: str, seed: int) -> Program:
        return self.start("producer", str(HERE / "producer.py"), name, str(seed))

    def cli(self, *arguments: str, tries: int = 1) -> str:
        """Run a command to its end; return what it printed. One that finds the store busy may be tried again."""
        done = subprocess.run(
            [sys.executable, "-m", "horarium", "-A", "victims", *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            timeout=PATIENCE,
            text=True,
            check=False,
        )
        if done.returncode == UNAVAILABLE and tries > 1:
            return self.cli(*arguments, tries=tries - 1)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def send(self, task: str, token: str, *rest: Any, **options: Any) -> str:
        """Make a call, on the account."""
        history.append(self.calls, f"invoke {token}")
        id: str = self.app.send_task(task, (token, *rest), **options).id
        history.append(self.calls, f"ok {token} {id}")
        return id

    def send_many(self, task: str, tokens: list[str]) -> list[str]:
        history.append(self.calls, *(f"invoke {token}" for token in tokens))
        ids = [result.id for result in self.app.send_many([(task, (token,)) for token in tokens])]
        history.append(self.calls, *(f"ok {token} {id}" for token, id in zip(tokens, ids, strict=True)))
        return ids

    def stop(self, timeout: float = PATIENCE) -> dict[str, int]:
        """Stop everything that still runs, in good order; return the exit codes by log."""
        running = [program for program in self.programs if program.is_running]
        for program in running:
            program.signal(signal.SIGTERM)
        return {program.log.name: program.ends(timeout) for program in running}

    def close(self) -> None:
        """End whatever the test has left over."""
        self.app.close()
        self._reaper.communicate(timeout=PATIENCE)
        for program in self.programs:
            program.ends()

    def left_over(self) -> list[int]:
        """Every process that bears the mark and is not a zombie."""
        return marked(self._mark.encode())

    # Facts.

    def events(self) -> list[history.Event]:
        return history.read_events(self.witness)

    def sees(self, id: str, kind: str = "start", times: int = 1, timeout: float = PATIENCE) -> history.Event:
        """Wait until an event of a run was witnessed so many times; return the last."""

        def seen() -> list[history.Event] | None:
            found = [event for event in self.events() if (event.kind, event.id) == (kind, id)]
            return found if len(found) >= times else None

        found: list[history.Event] = wait_for(seen, lambda: f"{kind} of {id}\n{self.logs()}", timeout)
        return found[-1]

    def ends(self, *ids: str, timeout: float = PATIENCE) -> list[Run]:
        """Wait until all of them have ended; return their runs."""

        def ended() -> list[Run] | None:
            runs = [run for run in self.app.engine.results.read(ids) if run is not None and run.state in ENDED]
            return runs if len(runs) == len(ids) else None

        found: list[Run] = wait_for(ended, lambda: f"the ends of {len(ids)} runs\n{self.logs()}", timeout)
        return found

    def is_quiet(self) -> bool:
        """Whether nothing waits and nothing is in hand."""
        return not self.app.engine.inspector.counts().queues

    def logs(self) -> str:
        told = (program for program in self.programs if program.process.poll() in (None, 1, 70))
        tails = (f"{program.log.name} ({program.process.poll()}):\n{program.text[-1500:]}" for program in told)
        return "\n".join(tails)

    def struck(self) -> Counter[str]:
        """Count the faults that the processes met, by verb (see faults.from_environment)."""
        path = self.folder / "struck.txt"
        return Counter(path.read_text().split() if path.exists() else [])

    def schedule_runs(self, name: str) -> list[Run]:
        return [run for run in self.runs() if run.message.schedule == name]

    def runs(self) -> Iterator[Run]:
        page = Page(limit=500)
        while True:
            found = self.app.engine.results.search(RunFilter(), page)
            yield from found.runs
            if found.next is None:
                return
            page = Page(limit=500, after=found.next)

    def history(self) -> History:
        """Return the whole account, once everything was stopped."""
        inspector = self.app.engine.inspector
        invoked, accepted = history.read_calls(self.calls)
        boot = history.boot_ns() - time.time_ns()
        members = inspector.workers(now=self.app.engine.now())
        held = inspector.find(RunFilter(), Page(limit=1000)).held
        return History(
            events=self.events(),
            invoked=invoked,
            accepted=accepted,
            runs=[ending_of(run, boot) for run in self.runs()],
            states=inspector.counts().states,
            held=sum(each.owner is not None for each in held),
            owners=[f"{member.member.kind} {member.member.owner}" for member in members if member.alive],
            processes=[f"{pid} {_command(pid)}" for pid in self.left_over()],
        )

    def owners_are_gone(self) -> bool:
        return not any(member.alive for member in self.app.engine.inspector.workers(now=self.app.engine.now()))

    def check_file(self) -> None:
        """Let SQLite itself look whether the file is whole; other stores are looked at by their servers."""
        if not self.url.startswith("sqlite:"):
            return
        connection = apsw.Connection(str(self.store))
        try:
            assert list(connection.execute("PRAGMA integrity_check")) == [("ok",)]
        finally:
            connection.close()


def children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "?"


def ending_of(run: Run, boot: int) -> Ending:
    """Return what the judge wants to know of a run; ``boot`` takes the store's time to that of the witness."""
    message = run.message
    args = msgspec.json.decode(message.args)
    result = msgspec.json.decode(run.result) if run.result is not None else [None]
    return Ending(
        id=run.id,
        state=run.state,
        recorded=run.changed * 1_000_000 + boot,
        attempts=tuple(attempt.outcome for attempt in run.attempts),
        token=next((arg for arg in args if isinstance(arg, str)), ""),
        parent=message.parent,
        links=len(message.links),
        error_links=len(message.error_links),
        schedule=message.schedule,
        nominal=message.nominal,
        may_expire=message.expires is not None,
        fence=result[0],
    )

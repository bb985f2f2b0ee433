"""What the pages show is what happens: every file they name is written, every command they show is run.

In a page, a ``python`` or ``toml`` block that begins with ``# file: NAME`` is a file. In a ``console`` block, a line
that begins with ``$ `` is a command, and the lines below it are what it prints on either stream; ``...`` stands for
anything, as in doctest. A command that shows no ``error:`` and no ``problem`` must end with exit code 0. One that ends
with ``&`` goes on while the page does; what is shown below it is waited for. ``kill %1`` signals the first of those,
and what is shown below is what it still prints; ``wait %1; echo $?`` shows its exit code. The port 8000 stands for
whichever is free. All other blocks are test_blocks_run.py's. A page that needs another environment than this one is in
ELSEWHERE.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_blocks import PAGES, ROOT, blocks_of, is_typed

from servers import free_port

# Django 6.0 has an environment of its own, which `make test` makes where there is a Python for it.
ELSEWHERE = {"use-django-tasks.md": ROOT / ".venv-django60" / "bin"}
PORT = "8000"
PATIENCE = 30.0  # seconds for a command, or for a line of one that goes on
MATCHES = doctest.OutputChecker()
TROUBLE = re.compile(r"^(error:|problem)", re.MULTILINE)
KILL = re.compile(r"kill (?:-(\w+) )?%(\d+)")
WAIT = re.compile(r"wait %(\d+); echo \$\?")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if is_typed(page)], ids=lambda page: str(page.relative_to(ROOT))
)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    with Shell(tmp_path, programs_for(page)) as shell:
        for block in blocks_of(page):
            if block.file is not None:
                (tmp_path / block.file).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / block.file).write_text(block.text)
            elif block.kind == "console":
                for command, expected in steps(block.text):
                    shell.run(command, expected)


def programs_for(page: Path) -> Path:
    """Return where a page's programs are; skip its test, or fail it in CI, where they are not."""
    programs = ELSEWHERE.get(page.name, Path(sys.executable).parent)
    if not programs.exists():
        tell = pytest.fail if os.environ.get("CI") else pytest.skip
        tell(f"there is no environment in {programs.parent}; `make test` makes it, given a Python that is new enough")
    return programs


def steps(block: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output shown below it."""
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, expected = step.partition("\n")
        yield command, expected


class Shell:
    """Runs a page's commands in its folder, and ends those that go on when the page is done."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.env = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(folder),
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }
        self.jobs: list[Job] = []
        self.port = str(free_port())

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *exc: object) -> None:
        for job in self.jobs:
            job.process.send_signal(signal.SIGTERM)
        for job in self.jobs:
            job.process.wait(timeout=PATIENCE)

    def run(self, command: str, expected: str) -> None:
        command, expected = (text.replace(PORT, self.port) for text in (command, expected))
        if command.endswith("&"):
            self.jobs.append(Job(self, command.removesuffix("&").strip(), len(self.jobs)))
            self.jobs[-1].shows(expected)
        elif kill := KILL.fullmatch(command):
            self.jobs[int(kill[2]) - 1].signal(kill[1] or "TERM", expected)
        elif wait := WAIT.fullmatch(command):
            code = self.jobs[int(wait[1]) - 1].process.wait(timeout=PATIENCE)
            assert matches(expected, f"{code}\n"), f"$ {command}\nexpected:\n{expected}\ngot:\n{code}"
        else:
            self._run(command, expected)

    def _run(self, command: str, expected: str) -> None:
        done = subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        got = f"$ {command}\nexpected:\n{expected}\ngot:\n{done.stdout}"
        assert matches(expected, done.stdout), got
        assert done.returncode == 0 or TROUBLE.search(expected), got


class Job:
    """A command that goes on."""

    def __init__(self, shell: Shell, command: str, number: int) -> None:
        self.command = command
        self.log = shell.folder / f"going-on-{number}.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                shlex.split(command),
                cwd=shell.folder,
                env=shell.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                # Whoever was started in the background ignores Ctrl-C, and so would all that it starts.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def signal(self, name: str, expected: str) -> None:
        """Send a signal, and wait until the job has printed what is expected from then on."""
        before = len(self.log.read_text())
        self.process.send_signal(getattr(signal, f"SIG{name}"))
        self.shows(expected, since=before)

    def shows(self, expected: str, *, since: int = 0) -> None:
        deadline = time.monotonic() + PATIENCE
        while not begins(expected, got := self.log.read_text()[since:]):
            assert time.monotonic() < deadline, f"$ {self.command} &\nexpected:\n{expected}\ngot:\n{got}"
            time.sleep(0.05)  # the log of another process can only be looked at again


def begins(expected: str, got: str) -> bool:
    return matches(expected, got) or matches(f"{expected.rstrip()}\n...", got)


def matches(expected: str, got: str) -> bool:
    return not expected.strip() or MATCHES.check_output(expected, got, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)

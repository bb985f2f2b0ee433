"""An example as somebody has it on their machine: a copy of its folder, what they type there, what they see."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from adopter import WITHIN, Adopter
from playwright.sync_api import ConsoleMessage, Page, Response

from chromium import started_browser
from servers import PostgresServer, RedisServer

EXAMPLES = Path(__file__).parents[2] / "examples"
ASSIGNMENT = re.compile(r"[A-Z_]+=")
REST = 0.5  # seconds between two looks by a typed line
WAIT_MS = 15_000  # for anything that a page is expected to show


class Place(Adopter):
    """The copy of one example, with its processes by their names and a browser. ``world`` is ``alone`` (SQLite, nothing
    else) or ``servers`` (a Redis and a PostgreSQL of its own)."""

    def __init__(self, system: str, folder: Path, world: str, **environment: str) -> None:
        self.system = system
        self.world = world
        self.home = folder / system
        shutil.copytree(EXAMPLES / system, self.home, ignore=shutil.ignore_patterns("run", "__pycache__"))
        prefix = system.upper()
        super().__init__(self.home, **environment)
        self.environment |= {f"{prefix}_RUN": str(folder / "run"), "PYTHONUNBUFFERED": "", "HOME": str(folder)}
        for name in ("REDIS_URL", "DATABASE_URL", f"{prefix}_DEMO", "DJANGO_SETTINGS_MODULE"):
            self.environment.pop(name, None)
        self._numbers: dict[str, int] = {}
        self._stack = ExitStack()
        self._page: Page | None = None
        self.faults: list[str] = []
        if world == "servers":
            self.redis = self._stack.enter_context(RedisServer("--appendonly", "yes", appendfsync="always"))
            self.postgres = self._stack.enter_context(PostgresServer())
            self.environment |= {"REDIS_URL": self.redis.url, "DATABASE_URL": self.postgres.url}

    # What is typed.

    def type(self, line: str, *says: str, code: int | None = 0) -> str:
        """Type a line and wait for its end; return what it printed. It must print ``says`` and end with ``code`` (None:
        any but 0)."""
        done = self._typed(line)
        told = done.stdout + done.stderr
        missing = [words for words in says if words not in told]
        right = done.returncode == code if code is not None else done.returncode != 0
        assert right and not missing, f"$ {line}\n{told}\n-> {done.returncode}, without {missing}"
        return told

    def type_until(self, line: str, *says: str) -> str:
        """Type a line again and again until it prints all of this; return what it printed. Each look is a process:
        where a terminal shows when the time has come, wait for that, and type once."""
        told, rested = "", 0.0

        def looks() -> bool:
            nonlocal told, rested
            if time.monotonic() < rested:
                return False
            done = self._typed(line)
            told, rested = done.stdout + done.stderr, time.monotonic() + REST
            return all(words in told for words in says)

        self.until(looks, lambda: f"$ {line}\n{told}\nnever held all of {says}")
        return told

    def shell(self, code: str) -> str:
        """Type code into the project's Python shell; return what it printed on stdout."""
        words = ["manage.py", "shell", "-v", "0", "-c", code] if (self.home / "manage.py").exists() else ["-c", code]
        done = self.run(*words)
        assert done.returncode == 0, f">>> {code}\n{done.stdout}{done.stderr}"
        return done.stdout

    def begin(self, name: str, line: str) -> None:
        """Type a line in a terminal of its own; it goes on. A name may be used again when its process has ended."""
        environment, command = self._words(line)
        self.launch(*command, **environment)
        self._numbers[name] = len(self.started) - 1

    def end(self, *names: str) -> None:
        """Stop what goes on under these names, or everything, with TERM; each must end with exit code 0."""
        chosen = names or [name for name in self._numbers if self.started[self._numbers[name]].poll() is None]
        codes = {name: code for name in chosen for code in self.stop(self.started[self._numbers[name]])}
        assert set(codes.values()) <= {0}, f"{codes}\n{self.told()}"

    def process(self, name: str) -> subprocess.Popen[bytes]:
        return self.started[self._numbers[name]]

    def code_of(self, name: str) -> int:
        """Wait for the end of a process that is to end by itself; return its exit code."""
        return self.started[self._numbers[name]].wait(WITHIN)

    def shows(self, name: str, words: str, times: int = 1) -> None:
        """Wait until the terminal of this name shows the words so many times."""
        self.says(words, self._numbers[name], times)

    def text_of(self, name: str) -> str:
        return self.text(self._numbers[name])

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.home / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new))

    # What is seen.

    @property
    def page(self) -> Page:
        """The one page of a browser, opened when it is first wanted. A script error, an error on the console or an
        answer 5xx is kept in ``faults``, and fails the journey at its end."""
        if self._page is None:
            browser = self._stack.enter_context(started_browser())
            page = self._page = browser.new_page(locale="en-US", timezone_id="UTC")
            page.set_default_timeout(WAIT_MS)
            page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
            page.on("console", self._on_console)
            page.on("response", self._on_response)
        return self._page

    def told(self) -> str:
        """What each process wrote last, by its name."""
        ends = [f"{name} ({self.started[at].poll()}):\n{self.text(at)[-2500:]}" for name, at in self._numbers.items()]
        return "\n\n".join(ends)

    def leave(self) -> None:
        """Be sure that what was started is gone and that no page has misbehaved."""
        self.end()
        assert self.faults == []

    def close(self) -> None:
        super().close()
        self._stack.close()

    def _on_console(self, said: ConsoleMessage) -> None:
        if said.type == "error" and not said.location["url"].endswith("/favicon.ico"):  # which browsers ask of any site
            self.faults.append(f"{self.page.url}: {said.text}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.url}: {response.status}")

    def _typed(self, line: str) -> subprocess.CompletedProcess[str]:
        environment, command = self._words(line)
        return self.finish(*command, **environment)

    def _words(self, line: str) -> tuple[dict[str, str], list[str]]:
        """Return the variables that a line sets and the command that it starts, as a shell reads them."""
        words = shlex.split(line)
        environment: dict[str, str] = {}
        while words and ASSIGNMENT.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            environment[name] = value
        program, *rest = words
        if program == "horarium":
            return environment, [sys.executable, "-m", "horarium", *rest]
        if program == "python":
            return environment, [sys.executable, *rest]
        return environment, [str(Path(sys.executable).parent / program), *rest]


@contextmanager
def place_for(system: str, folder: Path, world: str, **environment: str) -> Iterator[Place]:
    """Have a place until the block ends; whatever was started there is gone then."""
    place = Place(system, folder, world, **environment)
    try:
        yield place
    finally:
        place.close()

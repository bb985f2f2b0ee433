"""The dashboard as tests meet it: its pages as functions, as answers to requests, and as a real site in a real browser.

A page that answers 5xx, writes an error to the console, raises in a script or breaks its own content policy fails the
test that opened it. UPDATE_SCREENSHOTS=1 takes those pictures anew that docs/images has; with SCREENSHOTS=FOLDER all of
them, to be looked at.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from axe_playwright_python.base import AXE_SCRIPT as AXE
from playwright.sync_api import Browser, ConsoleMessage, Page, Response

from chromium import wanted
from horarium import Horarium
from horarium.dashboard.ask import Ask, Done, Shown
from horarium.dashboard.person import Person, Role

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
WAIT_MS = 10_000  # for anything that a page is expected to show
WIDE: Any = {"width": 1400, "height": 900}
NARROW: Any = {"width": 360, "height": 780}
MOST_TALL = 900  # of a picture
VIOLATIONS = "options => axe.run(options).then(found => found.violations)"
COLOURS: Any = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
ASKEW = """() => {
  const isAskew = (cell, each) => {
    const range = document.createRange();
    range.selectNode(each);
    const box = range.getBoundingClientRect();
    return each.textContent.trim() && box.width && box.left < cell.getBoundingClientRect().left + 80;
  };
  const found = (cell) => [...cell.childNodes].filter((each) => isAskew(cell, each));
  return [...document.querySelectorAll("table.rows td[data-label]")].flatMap((cell) =>
    found(cell).map((each) => cell.dataset.label + ": " + each.textContent)
  );
}"""
ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+\S*)")

T = TypeVar("T")


def eventually(look: Callable[[], T], what: str) -> T:
    """Return what ``look`` returns as soon as it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not come about within {PATIENCE:g} s"
        time.sleep(0.02)  # between two looks at a fact of other processes
    return found


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own: in ours, the browser of other tests may have a loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class Asker:
    """Calls pages of rooms as the site would: ``asker.ask(parts={"id": id})`` is what a page function takes."""

    def __init__(self, app: Horarium) -> None:
        self.app = app

    def ask(self, *, role: Role = Role.ADMIN, form: dict[str, str | Sequence[str]] | None = None, **given: Any) -> Ask:
        person = Person(name="ana", role=role, via="session")
        filled = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in (form or {}).items()}
        return Ask(app=self.app, person=person, now=self.app.engine.now(), form=filled, **given)


def shown(answer: object) -> dict[str, Any]:
    assert isinstance(answer, Shown), answer
    return answer.context


def done(answer: object) -> Done:
    assert isinstance(answer, Done), answer
    return answer


class Place:
    """A folder with a project, whose worker and dashboard are real processes. All end with it, or with this process."""

    def __init__(self, folder: Path, code: str, module: str = "shop") -> None:
        self.folder = folder
        self.module = module
        (folder / f"{module}.py").write_text(code)
        self.url = ""
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def begin(self, name: str, *command: str) -> None:
        """Start ``horarium -A <module> <command>`` under a name."""
        with (self.folder / f"{name}.log").open("ab") as out:
            self._processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "horarium", "-A", self.module, *command],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def serve(self, *options: str) -> str:
        """Start the dashboard on a port that the system chooses, open to whoever asks unless ``options`` say otherwise;
        return the address that it prints first."""
        self.begin("web", "web", "--port", "0", *(options or ("--insecure-no-auth",)))
        found = eventually(lambda: ADDRESS.search(self.log("web")) or self._has_ended("web"), "an address")
        assert not isinstance(found, bool), self.log("web")
        self.url = found[1].rstrip("/")
        return self.url

    def work(self, *options: str) -> None:
        """Start a worker with a scheduler, and wait until it is ready."""
        self.begin("worker", "worker", "-B", "-c", "2", *options)
        eventually(lambda: " ready." in self.log("worker") or self._has_ended("worker"), "a worker that is ready")
        assert not self._has_ended("worker"), self.log("worker")

    def end(self, name: str) -> None:
        """Stop a process as an operator would, and wait for its end."""
        process = self._processes.pop(name)
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")[-8000:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._processes):
            self.end(name)

    def _has_ended(self, name: str) -> bool:
        return self._processes[name].poll() is not None


class Visitor:
    """One person's browser. ``faults`` gathers what no page may do."""

    def __init__(self, page: Page, url: str) -> None:
        self.url = url
        self.faults: list[str] = []
        self.page = page
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))
        self.page.on("response", self._on_response)

    def open(self, path: str) -> Page:
        """Open a page of the dashboard, by its path."""
        self.page.goto(self.url + path)
        return self.page

    def check_access(self) -> None:
        """Ask axe whether everybody can use the page: of all in the light, and of colours, which alone differ, also in
        the dark."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE)
        for theme, options in (("light", {}), ("dark", COLOURS)):
            self.page.emulate_media(color_scheme=theme)
            found = self.page.evaluate(VIOLATIONS, {"resultTypes": ["violations"], **options})
            wrong = [
                f"{each['id']}: {each['help']}: {[node['target'] for node in each['nodes']][:3]}"
                for each in found
                if each["impact"] in ("serious", "critical")
            ]
            assert not wrong, f"{self.page.url} in {theme}: {wrong}"
        self.page.emulate_media(color_scheme="light")

    def is_wider_than_screen(self) -> bool:
        """Whether a narrow screen would have to be scrolled sideways."""
        self.page.set_viewport_size(NARROW)
        over: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.page.set_viewport_size(WIDE)
        return over > 0

    def askew(self) -> list[str]:
        """Return what, on a narrow screen, stands under the label of a table's cell instead of beside it."""
        self.page.set_viewport_size(NARROW)
        found: list[str] = self.page.evaluate(ASKEW)
        self.page.set_viewport_size(WIDE)
        return found

    def screenshot(self, name: str) -> None:
        """Take pictures of the page as it is, if asked for: both themes, wide and narrow."""
        for theme in ("light", "dark"):
            for width, size in (("", WIDE), ("-narrow", NARROW)):
                if (path := wanted(f"web-{name}{width}-{theme}.png")) is not None:
                    self._take(path, theme, size)
                    self.page.emulate_media(color_scheme="light")
                    self.page.set_viewport_size(WIDE)

    def _take(self, path: Path, theme: Any, size: Any) -> None:
        self.page.emulate_media(color_scheme=theme)
        self.page.set_viewport_size(size)
        self.page.evaluate("window.scrollTo(0, 0)")
        tall = self.page.evaluate("document.documentElement.scrollHeight")
        clip: Any = {"x": 0, "y": 0, "width": size["width"], "height": min(tall, MOST_TALL)}
        self.page.screenshot(path=path, full_page=True, animations="disabled", clip=clip)

    def _on_console(self, message: ConsoleMessage) -> None:
        # A refused load is told by its response as well; the text of the console names no address.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(f"{self.page.url}: {message.text}")

    def _on_response(self, response: Response) -> None:
        is_ours = response.url.startswith(self.url)
        if is_ours and (response.status >= 500 or (response.status == 404 and "/static/" in response.url)):
            self.faults.append(f"{response.url}: {response.status}")


@contextmanager
def visitor(browser: Browser, url: str, *, zone: str = "UTC") -> Iterator[Visitor]:
    """Be a person with a browser of their own; afterwards no page may have misbehaved."""
    options: dict[str, Any] = {"viewport": WIDE, "locale": "en-GB", "timezone_id": zone, "reduced_motion": "reduce"}
    context = browser.new_context(**options)
    try:
        found = Visitor(context.new_page(), url)
        yield found
        assert not found.faults, found.faults
    finally:
        context.close()

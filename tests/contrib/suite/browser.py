"""The project as people meet it: its web server, worker and scheduler as real processes on loopback, and a browser.

Everything lies in a folder that goes away. A page that answers 5xx, writes an error to the console, raises in a script
or breaks the policy of site_project/policy.py fails the test that opened it, unless the test expects it.
UPDATE_SCREENSHOTS=1 lets ``Pages.screenshot`` take those pictures anew that docs/images has; with SCREENSHOTS=FOLDER
all of them, to be looked at.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from chromium import wanted

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PATIENCE = 30.0
WAIT_MS = 10_000  # for anything that a page is expected to show
WIDE = {"width": 1400, "height": 900}
NARROW = {"width": 390, "height": 800}
MOST_TALL = 760  # of a picture
OWN_EXCESS = 5  # pixels by which lists of Django 4.2 itself are too wide
PASSWORD = "correct horse"


class Site:
    """The processes of the project. ``start`` returns when the web server answers. Its people are ana, whom
    ``createsuperuser`` has made, and vic, who may look at everything and do nothing."""

    def __init__(self, **environment: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="horarium-site-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.store = f"sqlite:///{self.folder}/store.db"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {
            **os.environ,
            "SITE_FOLDER": str(self.folder),
            "SITE_STORE": self.store,
            "SITE_DATABASE": "",
            "DJANGO_SETTINGS_MODULE": "site_project.settings",
            "PYTHONPATH": os.pathsep.join([str(HERE), str(ROOT / "src")]),
            **environment,
        }

    def start(self) -> None:
        shutil.copy(_database_with_people(), self.folder / "site.sqlite3")
        self.begin("web", "-m", "django", "runserver", "--noreload", "--insecure", f"127.0.0.1:{self.port}")
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self._processes["web"].poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the web server does not answer:\n{self.log('web')}")
            time.sleep(0.05)  # between two looks at a fact

    def begin(self, name: str, *command: str) -> None:
        """Start ``python <command>`` under a name; it ends with this object, or with this process."""
        with (self.folder / f"{name}.log").open("ab") as out:
            self._processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", sys.executable, *command],
                cwd=HERE,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def end(self, name: str) -> None:
        """Stop a process as an operator would, and wait for its end."""
        process = self._processes.pop(name)
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def python(self, *command: str) -> str:
        """Run ``python <command>`` to its end in the project's environment; return what it printed."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=HERE,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def django(self, code: str) -> str:
        """Run code after Django is set up."""
        return self.python("-c", f"import django\ndjango.setup()\n{code}")

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")[-4000:]

    def told(self) -> str:
        """Return what each process is doing and what it wrote last, for whoever reads why a test failed."""
        states = {name: process.poll() for name, process in self._processes.items()}
        return "\n".join(
            f"{name} ({'runs' if code is None else f'ended with {code}'}):\n{self.log(name)}"
            for name, code in states.items()
        )

    def close(self) -> None:
        for name in list(self._processes):
            self.end(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/admin/login/", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


@functools.cache
def _database_with_people() -> Path:
    """Return a database as ``migrate`` and ``createsuperuser`` leave it: made once, copied for each site."""
    site = Site()
    atexit.register(site.close)
    site.django(
        f"""
import os
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
call_command("migrate", verbosity=0)
os.environ["DJANGO_SUPERUSER_PASSWORD"] = {PASSWORD!r}
call_command("createsuperuser", interactive=False, username="ana", email="ana@example.com", verbosity=0)
viewer = User.objects.create_user("vic", password={PASSWORD!r}, is_staff=True)
viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
"""
    )
    return site.folder / "site.sqlite3"


class Pages:
    """One person's browser. ``faults`` gathers what no page may do."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.site = site
        self.faults: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))
        self.page.on("response", self._on_response)

    def open(self, path: str) -> Page:
        """Open a page of the admin, by its path below /admin/."""
        self.page.goto(f"{self.site.url}/admin/{path}")
        return self.page

    def log_in(self, name: str) -> None:
        page = self.open("login/?next=/admin/")
        page.fill("#id_username", name)
        page.fill("#id_password", PASSWORD)
        page.click("input[type=submit]")
        page.wait_for_selector("#user-tools")

    def await_text(self, path: str, text: str) -> Page:
        """Open a page again and again until it shows a text."""
        deadline = time.monotonic() + PATIENCE
        while text not in (shown := self.open(path).inner_text("#content")):
            assert time.monotonic() < deadline, f"{path} never showed {text!r}, but:\n{shown}\n{self.site.told()}"
            self.page.wait_for_timeout(100)  # between two looks at a fact
        return self.page

    def screenshot(self, name: str) -> None:
        """Take pictures of the page as it is, if asked for: both themes, wide and narrow."""
        for theme in ("light", "dark"):
            for width, size in (("", WIDE), ("-narrow", NARROW)):
                if (path := wanted(f"admin-{name}{width}-{theme}.png")) is not None:
                    self._take(path, theme, size)
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(WIDE)  # type: ignore[arg-type]

    def _take(self, path: Path, theme: Any, size: Any) -> None:
        self.page.emulate_media(color_scheme=theme)
        self.page.set_viewport_size(size)
        tall = self.page.evaluate("document.documentElement.scrollHeight")
        clip: Any = {"x": 0, "y": 0, "width": size["width"], "height": min(tall, MOST_TALL)}
        self.page.screenshot(path=path, full_page=True, animations="disabled", clip=clip)

    def is_wider_than_screen(self) -> bool:
        """Whether a narrow screen would have to be scrolled sideways."""
        self.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        over: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        return over > OWN_EXCESS

    def cut_off(self) -> dict[int, int]:
        """By how many pixels the list of the page is wider than its box, on a wide and on a narrow screen."""
        found = {}
        for size in (NARROW, WIDE):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            over = "document.querySelector('.results').scrollWidth - document.querySelector('.results').clientWidth"
            found[size["width"]] = self.page.evaluate(over)
        return found

    def _on_console(self, message: ConsoleMessage) -> None:
        # A refused load is told by its response as well; the text of the console names no address.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(f"{self.page.url}: {message.text}")

    def _on_response(self, response: Response) -> None:
        is_ours = response.url.startswith(self.site.url)
        is_missing_file = response.status == 404 and "/static/" in response.url
        if is_ours and (response.status >= 500 or is_missing_file):
            self.faults.append(f"{response.url}: {response.status}")


@contextmanager
def visitor(browser: Browser, site: Site, name: str | None = None) -> Iterator[Pages]:
    """Be a person with a browser of their own, logged in if named; afterwards no page may have misbehaved."""
    options: dict[str, Any] = {"viewport": WIDE, "locale": "en-GB", "timezone_id": "UTC", "reduced_motion": "reduce"}
    context = browser.new_context(**options)
    try:
        pages = Pages(context, site)
        if name is not None:
            pages.log_in(name)
        yield pages
        assert pages.faults == []
    finally:
        context.close()

"""Processes of the project: manage.py, workers, programs; each run has a folder, a database and a store of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PATIENCE = 60.0


class Site:
    """The project, with its database and its store in a folder, unless others are named."""

    def __init__(self, folder: Path, *, store: str | None = None, database: str = "", **variables: str) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("HORARIUM_", "CELERY_"))},
            "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
            "DJANGO_SETTINGS_MODULE": "site_project.settings",
            "SITE_FOLDER": str(folder),
            "SITE_STORE": store or f"sqlite:///{folder}/store.db",
            "SITE_DATABASE": database,
            "NO_COLOR": "1",
            **variables,
        }

    def run(self, *command: str, expect: int | None = 0) -> str:
        """Run a command to its end; return what it printed on both streams."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=HERE,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        assert expect is None or done.returncode == expect, done.stdout
        return done.stdout

    def manage(self, *arguments: str, expect: int | None = 0) -> str:
        return self.run("manage.py", *arguments, expect=expect)

    def python(self, code: str, expect: int | None = 0) -> str:
        """Run a program in which Django is set up and ``tasks`` are the depot's."""
        head = "import django; django.setup(); from depot import tasks; from django.db import transaction\n"
        return self.run("-c", head + code, expect=expect)

    def start(self, *command: str) -> Running:
        return Running(self, command)


class Running:
    """A process of the project that goes on until the ``with`` block ends."""

    def __init__(self, site: Site, command: tuple[str, ...]) -> None:
        self.log = site.folder / f"{command[1] if len(command) > 1 else 'process'}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=HERE,
                env=site.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def says(self, text: str, times: int = 1) -> None:
        """Wait until it has said something (so often)."""
        deadline = time.monotonic() + PATIENCE
        while (said := self.log.read_text()).count(text) < times:
            assert time.monotonic() < deadline and self.process.poll() is None, said
            time.sleep(0.02)  # between two looks at a fact

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise

"""An example run as `make run EXAMPLE=...` runs it, and what whoever watches must have seen within half a minute."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from outsides import EXAMPLES

WATCHED = 25  # seconds; what `make run` is for must be seen within 30
PATIENCE = 120.0  # seconds for all of it, its preparations included
LINK = re.compile(r"^dashboard http://127\.0\.0\.1:\d+/login\?link=\S{40,}$", re.MULTILINE)
RAN = re.compile(r"^\d\d:\d\d:\d\d  (?P<task>\w+) +(?P<state>[A-Z]+) +(?P<rest>\d.*)$")
SCHEDULE = re.compile(r"  \[(.+)\]$")
TRIED_AGAIN = re.compile(r"  attempt [2-9]\b")
ERROR = re.compile(r"s  \w+: ")  # its class and what it says, after the seconds that the attempt took


def watch(example: str, folder: Path) -> str:
    """Run an example for a while, with its files in a folder, and return what was shown; its exit code must be 0."""
    kept = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DATABASE_URL")}
    where = ("--run-folder", str(folder), "--web-port", "0", "--site-port", "0")
    done = subprocess.run(
        [sys.executable, "-m", "live", example, "--seconds", str(WATCHED), *where],
        cwd=EXAMPLES,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def missing(shown: str) -> list[str]:
    """Say what of the story has not been shown: the way to the dashboard, what fires, fails, is retried, succeeds."""
    runs = [found for line in shown.splitlines() if (found := RAN.match(line))]
    failed = {run["task"]: n for n, run in reversed([*enumerate(runs)]) if is_retry(run)}
    seen = {
        "a link that logs in to the dashboard": bool(LINK.search(shown)),
        "a run that a schedule fired and that succeeded": any(
            run["state"] == "SUCCESS" and SCHEDULE.search(run["rest"]) for run in runs
        ),
        "an attempt that failed, with its error, to be tried again": bool(failed),
        "a later attempt of the same task that succeeded": any(
            run["state"] == "SUCCESS" and TRIED_AGAIN.search(run["rest"]) and n > failed.get(run["task"], len(runs))
            for n, run in enumerate(runs)
        ),
    }
    return [what for what, is_there in seen.items() if not is_there]


def is_retry(run: re.Match[str]) -> bool:
    return run["state"] == "RETRY" and bool(ERROR.search(run["rest"]))

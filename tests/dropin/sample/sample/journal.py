"""What happened, as lines of a file that worker, beat and tests share."""

import os
import time
from pathlib import Path


def path():
    return Path(os.environ.get("SAMPLE_JOURNAL", "journal.txt"))


def write(line):
    """Append one line; short appends of several processes do not mix."""
    with path().open("a", encoding="utf-8") as out:
        out.write(f"{line}\n")


def lines():
    return path().read_text(encoding="utf-8").splitlines() if path().exists() else []


def wait_for_start(wanted, *, timeout=20.0):
    """Return when a line of the journal begins so. Raises: TimeoutError."""
    wait_until(lambda: any(line.startswith(wanted) for line in lines()), f"line that begins with {wanted!r}", timeout)


def wait_for(wanted, *, times=1, timeout=20.0):
    """Return when the journal has this line so many times. Raises: TimeoutError."""
    wait_until(lambda: lines().count(wanted) >= times, f"line {wanted!r}", timeout)


def wait_until(is_there, what, timeout):
    deadline = time.monotonic() + timeout
    while not is_there():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} in the journal; it ends with {lines()[-20:]}")
        time.sleep(0.05)  # between two looks at a fact

"""What a task prints and logs: passed on to the log line by line, kept with its run, and bounded.

``sys.stdout`` and ``sys.stderr`` of a child are replaced, and each run has a capture of its own, found through a
context variable; so runs in two threads or in one event loop never mix. A task that floods its output fills neither
the disk nor the store: over the limit, bytes are only counted.
"""

from __future__ import annotations

import io
import logging
import sys
from contextvars import ContextVar
from typing import TextIO

LONGEST_LINE = 4096  # characters; a longer one is cut into several
LOGGER = "horarium.output"
OWN = "horarium"  # what the worker says about a run is not part of the run's log

_log = logging.getLogger(LOGGER)


class Capture:
    """The output of one run."""

    __slots__ = ("_kept", "_limit", "_partial", "dropped", "is_logging", "lines")

    def __init__(self, limit_bytes: int) -> None:
        self.lines: list[str] = []
        self.dropped = 0
        self.is_logging = False  # a log handler that prints must not be logged for it
        self._kept = 0
        self._limit = limit_bytes
        self._partial = ""

    @property
    def is_used(self) -> bool:
        """Whether the run has printed or logged anything."""
        return bool(self.lines or self._partial or self.dropped)

    def keep(self, line: str) -> bool:
        """Keep a line; False when there is no room left, and it is only counted."""
        size = len(line) + 1
        if self._kept + size > self._limit:
            self.dropped += size
            return False
        self._kept += size
        self.lines.append(line)
        return True

    def write(self, text: str, level: int) -> None:
        """Take printed text; whole lines go to the log and are kept."""
        if self.dropped:
            self.dropped += len(text)
            return
        *lines, self._partial = (self._partial + text).split("\n")
        for line in lines:
            self._put(line, level)
        while len(self._partial) > LONGEST_LINE:
            self._put(self._partial[:LONGEST_LINE], level)
            self._partial = self._partial[LONGEST_LINE:]

    def close(self, level: int) -> tuple[str, ...]:
        """Take the last, unfinished line, and return what was kept, with a line on what was not."""
        if self._partial:
            self._put(self._partial, level)
            self._partial = ""
        if self.dropped:
            note = f"... {self.dropped} more bytes of output dropped (worker_output_limit is {self._limit})"
            self.lines.append(note)
            self._log(level, note)
        return tuple(self.lines)

    def _put(self, line: str, level: int) -> None:
        for start in range(0, max(1, len(line)), LONGEST_LINE):
            part = line[start : start + LONGEST_LINE].rstrip()
            if part and self.keep(part):
                self._log(level, part)

    def _log(self, level: int, line: str) -> None:
        self.is_logging = True
        try:
            _log.log(level, "%s", line)
        finally:
            self.is_logging = False


CURRENT: ContextVar[Capture | None] = ContextVar("horarium_capture", default=None)


class TaskOutput(io.TextIOBase):
    """Stands in for sys.stdout and sys.stderr. Outside a run, text goes where it always went."""

    def __init__(self, original: TextIO, level: int) -> None:
        self._original = original
        self._level = level

    def write(self, text: str) -> int:
        capture = CURRENT.get()
        if capture is None or capture.is_logging:
            return self._original.write(text)
        capture.write(text, self._level)
        return len(text)

    def flush(self) -> None:
        self._original.flush()

    def fileno(self) -> int:
        return self._original.fileno()

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]  # TextIOBase has a plain attribute
        return self._original.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self._original.errors

    @property
    def buffer(self) -> object:
        """For code that writes bytes: that goes past the capture."""
        return self._original.buffer


class KeepRecords(logging.Handler):
    """Keeps the log records of a run with the run; they are written to the log as the project has set it up."""

    def emit(self, record: logging.LogRecord) -> None:
        capture = CURRENT.get()
        if capture is None or record.name == OWN or record.name.startswith(OWN + "."):
            return
        try:
            line = f"{record.levelname} {record.name}: {record.getMessage()}"
            if record.exc_info and record.exc_info[0] is not None:
                line += f" ({record.exc_info[0].__name__}: {record.exc_info[1]})"
        except Exception:  # noqa: BLE001  # a record whose arguments do not fit its message: the run goes on
            self.handleError(record)
        else:
            capture.keep(line)


def install(level: int | None) -> None:
    """Capture from now on. ``level`` is that of printed lines in the log; None leaves the streams alone."""
    root = logging.getLogger()
    if not root.handlers and logging.lastResort is not None:
        root.addHandler(logging.lastResort)  # it serves only a root without handlers, and that ends with the next line
    root.addHandler(KeepRecords())
    if level is None:
        return
    if sys.stdout is not None:
        sys.stdout = TaskOutput(sys.stdout, level)
    if sys.stderr is not None:
        sys.stderr = TaskOutput(sys.stderr, level)

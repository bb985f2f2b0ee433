"""The names of billiard that programs use next to celery, for where billiard is not installed."""

from __future__ import annotations

from horarium.app.signalling import ExceptionInfo as ExceptionInfo

# What looks at the version asks whether ExceptionWithTraceback is there.
VERSION = (4, 2, 1)


class ExceptionWithTraceback(Exception):
    """An exception in billiard's wrapping; none is wrapped here."""

    exc: BaseException | None = None

"""Find a run by the beginning of its id, and say what a run holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from horarium import codec
from horarium.cli.exits import Exit, Stop
from horarium.engines.records import Page, RunFilter
from horarium.errors import RunNotFound
from horarium.outcome import Run

if TYPE_CHECKING:
    from msgspec import Raw

    from horarium.engines.protocol import Engine

FULL_ID = 36  # characters of a UUID


def find_run(engine: Engine, start: str) -> Run:
    """Return the only run whose id begins with ``start``.

    Raises: RunNotFound when there is none; Stop when there are several.
    """
    [exact] = engine.results.read([start])
    if exact is not None:
        return exact
    if len(start) >= FULL_ID:
        raise RunNotFound(start)
    runs = engine.results.search(RunFilter(id_prefix=start), Page(limit=3)).runs
    if len(runs) == 1:
        return runs[0]
    if not runs:
        raise RunNotFound(start)
    several = ", ".join(run.id for run in runs)
    raise Stop(f"expected the beginning of one run's id, got {start!r}, which fits {several} ...", Exit.USAGE)


def value_text(raw: Raw) -> str:
    """Return a stored value as a person wants to read it: a text as it is, anything else as JSON."""
    value = codec.decode(raw)
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value).decode()
    except TypeError:
        return repr(value)


def call_text(args: Raw, kwargs: Raw) -> str:
    """Return the arguments of a call as one short line."""
    parts = [text for raw in (args, kwargs) if (text := codec.preview(raw)) not in ("[]", "{}")]
    return " ".join(parts)

"""Reading of the statements and scripts that engines keep in files: one verb, one file, one header.

A header is the block of ``--`` comments at the top (SQL and Lua write them alike). It must say four things: Parameters,
Result, State (before -> after) and Safe (why, under concurrency). It is for readers; the store is sent the rest.
"""

from __future__ import annotations

from pathlib import Path

HEADINGS = ("Parameters:", "Result:", "State:", "Safe:")


def read_statements(folder: Path, suffix: str = ".sql") -> dict[str, str]:
    """Return the text of every statement of a folder by its file's stem, without the headers.

    Raises: ValueError for a file whose header does not say everything.
    """
    return {path.stem: _read(path) for path in sorted(folder.glob(f"*{suffix}"))}


def _read(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next((place for place, line in enumerate(lines) if not line.startswith("--")), len(lines))
    header, body = "\n".join(lines[:start]), "\n".join(lines[start:]).strip()
    missing = [heading for heading in HEADINGS if f"-- {heading}" not in header]
    if missing or not body:
        raise ValueError(f"expected {path} to start with a header of {HEADINGS}, {missing or 'a statement'} is missing")
    return body.removesuffix(";")

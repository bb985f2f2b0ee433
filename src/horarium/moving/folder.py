"""The files of a project: which ones matter, which places are never entered, how one is read and replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from horarium.moving.report import Change

_NEVER = frozenset(
    ".git .hg .svn node_modules __pycache__ site-packages .tox .nox .mypy_cache .ruff_cache .pytest_cache .eggs "
    ".idea .vscode bower_components".split()
)
LARGEST = 2_000_000  # bytes: what people write is smaller; what is larger was made by a machine


class Unreadable(Exception):
    """A file that cannot be read as text; the message says why."""


def files_of(root: Path) -> Iterator[Path]:
    """Yield the regular files below a folder in a fixed order; or the path itself, if it is a file.

    Links are not followed, and neither are version control, virtual environments, caches and node_modules.
    """
    if root.is_file():
        yield root
        return
    for here, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if _may_enter(Path(here, name)))
        for name in sorted(names):
            path = Path(here, name)
            if path.is_file() and not path.is_symlink():
                yield path


def read(path: Path) -> bytes:
    """Return the bytes of a file of text. Raises: Unreadable."""
    try:
        if path.stat().st_size > LARGEST:
            raise Unreadable(f"it is larger than {LARGEST:,} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    if b"\0" in content:
        raise Unreadable("it is no text that can be rewritten: it holds NUL bytes (binary, or UTF-16)")
    return content


def replace(root: Path, change: Change) -> None:
    """Write a changed file in one step, with the mode it had.

    Raises: Unreadable when it is no longer what was read, or cannot be written; it is then left as it is.
    """
    path = root / change.path if root.is_dir() else root
    if read(path) != change.before:
        raise Unreadable("it was changed by somebody else meanwhile; look again")
    beside = path.with_name(f".{path.name}.horarium-new")
    try:
        beside.write_bytes(change.after)
        beside.chmod(path.stat().st_mode & 0o7777)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Unreadable(error.strerror or str(error)) from error


def _may_enter(folder: Path) -> bool:
    return folder.name not in _NEVER and not folder.is_symlink() and not (folder / "pyvenv.cfg").exists()

"""Whether what would be changed can be had back: is the project's work tree clean?"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path


def uncommitted(root: Path, paths: Iterable[str]) -> list[str] | None:
    """Return the files below ``root`` with changes that git does not hold, and those of ``paths`` it does not know.

    None: there is no git, or ``root`` is in no work tree of it. Blocks for as long as git takes.
    """
    folder = root if root.is_dir() else root.parent
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "."],
            capture_output=True,
            check=False,
        )
        top = subprocess.run(["git", "-C", str(folder), "rev-parse", "--show-prefix"], capture_output=True, check=False)
    except OSError:
        return None
    if done.returncode or top.returncode:
        return None
    prefix = top.stdout.decode("utf-8", "surrogateescape").strip()
    wanted = set(paths)
    dirty = []
    for entry in done.stdout.decode("utf-8", "surrogateescape").split("\0"):
        state, name = entry[:2], entry[3:].removeprefix(prefix)
        if entry and (state != "??" or name in wanted):
            dirty.append(name)
    return dirty

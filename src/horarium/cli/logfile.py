"""Send everything a runner says into a file, its children's words included."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from horarium.cli.exits import Exit, Stop


def append_to(path: str) -> None:
    """Let stdout and stderr of this process and of all it starts be appended to a file.

    Raises: Stop when the file cannot be written.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    except OSError as error:
        raise Stop(
            f"expected --logfile to be a file that can be written, got {path}: {error.strerror}", Exit.FAILED
        ) from error
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(descriptor, sys.stdout.fileno())
    os.dup2(descriptor, sys.stderr.fileno())
    os.close(descriptor)

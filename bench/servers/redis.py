"""Redis, by default as packages set it for speed and no more: nothing is saved."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from bench.processes import Running
from bench.servers.served import Served, await_answer, free_port, talks

PROGRAM = "redis-server"


class RedisKind:
    """``aof``: None saves nothing; else ``appendfsync`` of an append-only file, the same for all peers."""

    def __init__(self, aof: Literal["always", "everysec", "no"] | None = None) -> None:
        self._aof = aof

    def missing(self) -> str | None:
        if shutil.which(PROGRAM):
            return None
        return f"{PROGRAM} is not installed; with Debian or Ubuntu: apt-get install redis-server"

    def facts(self) -> str:
        told = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
        if self._aof:
            return f"{told.split(' sha')[0]}; appendonly yes, appendfsync {self._aof}"
        return f"{told.split(' sha')[0]}; saves nothing (save '', appendonly no): accepted is not yet durable"

    @contextmanager
    def start(self, directory: Path) -> Iterator[Served]:
        port = free_port()
        command = [PROGRAM, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory)]
        command += ["--save", "", "--daemonize", "no", "--appendonly", "yes" if self._aof else "no"]
        if self._aof:
            command += ["--appendfsync", self._aof]
        with Running(command, {}, directory / "redis.log") as server:
            await_answer(server, lambda: talks(port, b"PING\r\n", b"+PONG"))
            yield Served(f"redis://127.0.0.1:{port}", server)

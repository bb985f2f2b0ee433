"""PostgreSQL as packages set it: fsync on, shared_buffers of 128 MB, on the same disk as the other stores."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import Running
from bench.servers.served import Served, await_answer, free_port

DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)  # not in PATH there
MAKE_SECONDS = 120


class PostgresKind:
    """``template``: the cluster that every server begins with, made once a run: initdb takes a second."""

    def __init__(self, template: Path) -> None:
        self._template = template
        self._making = threading.Lock()

    def missing(self) -> str | None:
        if all(_program(name) for name in ("postgres", "initdb", "pg_isready")):
            return None
        return "PostgreSQL's server is not installed; with Debian or Ubuntu: apt-get install postgresql"

    def facts(self) -> str:
        command = [str(_program("postgres")), "--version"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        return f"{told}; as initdb sets it (fsync and synchronous_commit on), one database"

    @contextmanager
    def start(self, directory: Path) -> Iterator[Served]:
        with self._making:
            if not self._template.exists():
                self._make_template()
        data, port = directory / "postgres", free_port()
        subprocess.run(["cp", "-a", str(self._template), str(data)], check=True, timeout=MAKE_SECONDS)
        os.sync()  # or the copy would be written out while somebody is measured
        command = [*_as_postgres(), str(_program("postgres")), "-D", str(data), "-p", str(port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        with Running(command, {}, directory / "postgres.log", stop_with=signal.SIGQUIT) as server:
            await_answer(server, lambda: _is_ready(port))
            yield Served(f"postgresql://postgres@127.0.0.1:{port}/postgres", server)

    def _make_template(self) -> None:
        self._template.mkdir(mode=0o700)
        if os.getuid() == 0:
            shutil.chown(self._template, "postgres", "postgres")
        make = [*_as_postgres(), str(_program("initdb")), "-D", str(self._template), "-U", "postgres", "--auth=trust"]
        made = subprocess.run(
            [*make, "-E", "UTF8", "--locale=C.UTF-8"], capture_output=True, text=True, timeout=MAKE_SECONDS, check=False
        )
        if made.returncode:
            self._template.rmdir()
            raise RuntimeError(f"initdb ended with code {made.returncode}:\n{made.stderr[-2000:]}")


def _program(name: str) -> str | None:
    return shutil.which(name) or next((str(each / name) for each in DEBIAN if (each / name).exists()), None)


def _as_postgres() -> list[str]:
    """PostgreSQL refuses to run as root. setpriv clears the death signal with the user, so it is set anew behind it."""
    if os.getuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "setpriv", "--pdeathsig", "KILL"]


def _is_ready(port: int) -> bool:
    ask = [str(_program("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(ask, check=False, timeout=10).returncode == 0

"""RabbitMQ: a node of the bench's own with its own port mapper, data, log and cookie; no plugins, else as packaged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import Running
from bench.servers.served import Served, await_answer, free_port, talks

SCRIPTS = Path("/usr/lib/rabbitmq/bin")  # what the packages' command calls after it has become the user rabbitmq
MAPPER = "epmd"
GREETING = b"AMQP\x00\x00\x09\x01"


class RabbitKind:
    def missing(self) -> str | None:
        if _script() and shutil.which(MAPPER):
            return None
        return "rabbitmq-server is not installed; with Debian or Ubuntu: apt-get install rabbitmq-server"

    def facts(self) -> str:
        homes = sorted(path.name for path in (SCRIPTS.parent / "lib").glob("rabbitmq_server-*"))
        return f"RabbitMQ {homes[-1].partition('-')[2] if homes else '?'}; no plugins, else as packaged"

    @contextmanager
    def start(self, directory: Path) -> Iterator[Served]:
        home = directory / "rabbitmq"
        home.mkdir()
        port, mapper_port = free_port(), free_port()
        environment = _environment(home, port, mapper_port)
        mapper = [MAPPER, "-port", str(mapper_port), "-address", "127.0.0.1"]
        with (
            Running(mapper, {}, home / "epmd.log"),
            Running([str(_script())], environment, home / "rabbitmq.log") as server,
        ):
            await_answer(server, lambda: talks(port, GREETING, b"\x01\x00\x00"))
            yield Served(f"amqp://guest:guest@127.0.0.1:{port}//", server)


def _script() -> Path | None:
    inner = SCRIPTS / "rabbitmq-server"
    found = shutil.which("rabbitmq-server")
    return inner if inner.exists() else Path(found) if found else None


def _environment(home: Path, port: int, mapper_port: int) -> dict[str, str]:
    (home / "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{port}\n")
    return {
        "HOME": str(home),  # the cookie is made there
        "ERL_EPMD_PORT": str(mapper_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_FLAGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_NODENAME": f"bench{os.getpid()}p{port}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
    }

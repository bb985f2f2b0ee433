"""Redis, PostgreSQL and RabbitMQ servers of the tests' own: free loopback ports, directories that go away, never one
that runs already.

A server ends with the object that started it, or with this process: each gets PR_SET_PDEATHSIG through ``setpriv``.
Where the program is not installed the tests skip; in CI that is a failure.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Self

import pytest

PATIENCE = 30.0
RABBIT_SCRIPTS = Path("/usr/lib/rabbitmq/bin")
POSTGRES_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def program(name: str) -> str:
    """Return the path of a server's program; skip the test, or fail it in CI, where there is none."""
    found = shutil.which(name) or next((str(each / name) for each in POSTGRES_BINARIES if (each / name).exists()), None)
    if found is None:
        tell = pytest.fail if os.environ.get("CI") else pytest.skip
        tell(f"{name} is not installed; with Debian or Ubuntu: apt-get install redis-server postgresql rabbitmq-server")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A server process that can be killed, frozen and started again on the same data and the same port."""

    patience = PATIENCE  # how long its start may take

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="horarium-server-"))
        self.log = self.folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.await_answer()

    def await_answer(self) -> None:
        deadline = time.monotonic() + self.patience
        while not self.answers():
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server does not answer:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)  # between two looks at a fact

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a power cut of its process would."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)

    def restart(self) -> None:
        self.kill()
        self.start()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class RedisServer(Server):
    """``appendfsync``: None keeps nothing on disk; else ``always``, ``everysec`` or ``no``."""

    def __init__(self, *options: str, appendfsync: str | None = None) -> None:
        super().__init__()
        self._options = options
        self._appendfsync = appendfsync

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        command = [program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        command += ["--save", "", "--daemonize", "no", "--enable-debug-command", "local"]
        if self._appendfsync:
            command += ["--appendonly", "yes", "--appendfsync", self._appendfsync]
        return [*command, *self._options]

    def answers(self) -> bool:
        try:
            return self.ask("PING").startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def ask(self, *words: str) -> bytes:
        """Send one command and return the beginning of the raw answer."""
        line = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5.0) as connection:
            connection.sendall(line)
            return connection.recv(65_536)


class PostgresServer(Server):
    """Its data lie on tmpfs where there is one and nothing is flushed, unless ``durable``."""

    def __init__(self, *options: str, durable: bool = False, folder: Path | None = None) -> None:
        super().__init__()
        if folder is None and not durable and Path("/dev/shm").is_dir():
            shutil.rmtree(self.folder)
            self.folder = Path(tempfile.mkdtemp(prefix="horarium-server-", dir="/dev/shm"))
            self.log = self.folder / "server.log"
        elif folder is not None:
            self.folder, self.log = folder, folder / "server.log"
        self._options = [*options, *([] if durable else ["fsync=off", "full_page_writes=off"])]
        self._data = self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def command(self) -> list[str]:
        command = [program("postgres"), "-D", str(self._data), "-p", str(self.port), "-k", str(self.folder)]
        for option in ("listen_addresses=127.0.0.1", *self._options):
            command += ["-c", option]
        return [*_as_postgres(), *command]

    def start(self) -> None:
        if not self._data.exists():
            self.folder.chmod(0o777)
            copy = ["cp", "-a", str(_new_cluster()), str(self._data)]
            subprocess.run(copy, check=True, capture_output=True, timeout=60)
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        super().start()

    def answers(self) -> bool:
        done = subprocess.run(
            [program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False, timeout=10
        )
        return done.returncode == 0

    def stop(self, how: str = "immediate") -> None:
        """Stop it as ``pg_ctl stop -m`` does: smart, fast or immediate."""
        self.signal({"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}[how])
        assert self.process is not None
        self.process.wait(PATIENCE)

    def kill(self) -> None:
        """Kill the postmaster; its children notice and end, or are ended."""
        if self.process is None or self.process.poll() is not None:
            return
        members = _children(self.process.pid)
        super().kill()
        for pid in members:
            if _is_of(pid, self._data):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while any(_is_of(pid, self._data) for pid in members) and time.monotonic() < deadline:
            time.sleep(0.01)  # between two looks at a fact


class RabbitServer(Server):
    """A node with its own port mapper, data, log and cookie; no plugins, else as packaged. ``url``: its vhost /."""

    patience = 90.0  # it takes 5 s on an idle machine, and many times that on a busy one

    def __init__(self) -> None:
        super().__init__()
        self._distribution, self._mapper_port = free_port(), free_port()
        self._mapper: subprocess.Popen[bytes] | None = None
        (self.folder / "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{self.port}\n")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def command(self) -> list[str]:
        # What the packages' command calls after it has become the user rabbitmq.
        inner = RABBIT_SCRIPTS / "rabbitmq-server"
        server = str(inner) if inner.exists() else program("rabbitmq-server")
        return ["env", *(f"{name}={value}" for name, value in self._environment().items()), server]

    def start(self) -> None:
        if self._mapper is None:
            mapper = [program("epmd"), "-port", str(self._mapper_port), "-address", "127.0.0.1"]
            self._mapper = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *mapper], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
        super().start()

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5.0) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(3) == b"\x01\x00\x00"
        except OSError:
            return False

    def kill(self) -> None:
        """Kill the script and the Erlang machine that it has become the parent of."""
        members = _family(self.process.pid) if self.process is not None and self.process.poll() is None else []
        super().kill()
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        super().close()
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait(PATIENCE)

    def _environment(self) -> dict[str, str]:
        home = self.folder
        return {
            "HOME": str(home),  # the cookie is made there
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_FLAGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
            "RABBITMQ_NODENAME": f"tests{os.getpid()}p{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_PID_FILE": str(home / "pid"),
        }


@cache
def _new_cluster() -> Path:
    """Make the data of an empty server, for all servers of this process: to copy it takes a tenth of the CPU."""
    folder = Path(tempfile.mkdtemp(prefix="horarium-cluster-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o777)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if os.getuid() == 0:
        shutil.chown(data, "postgres", "postgres")
    make = [program("initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run([*_as_postgres(), *make, "--no-sync"], check=True, capture_output=True, timeout=60)
    return data


def _family(pid: int) -> list[int]:
    """Return the descendants of a process."""
    children = _children(pid)
    return children + [each for child in children for each in _family(child)]


def _as_postgres() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return []
    # setpriv clears the death signal when the user changes, so it is set anew behind the change.
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "setpriv", "--pdeathsig", "KILL"]


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _is_of(pid: int, data: Path) -> bool:
    """Whether the process is still there and works in this data directory (a pid may be used again)."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data
    except OSError:
        return False

"""Run the whole example: the site, a worker with its scheduler, the dashboard, and a view of what they do. ``make run``
calls this.

Ctrl-C or TERM ends all of it; the exit code is 0. ``--seconds N`` ends it after a while and tells what was done: exit
code 1 if nothing was stored. When the worker ends on its own, the end of its log is shown and the code is 1.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

from app.settings import HERE, ZONE, Settings, read_settings
from app.site.server import EventSite
from app.sources import sources_of
from app.store import open_store
from app.view import open_view, print_summary
from app.watch import Watch

PORT = 8808
WEB_PORT = 8600
WEB_PATIENCE = 40.0  # seconds until the dashboard must have said where it is
LOOK_EVERY = 0.5  # seconds
GRACE = 15.0  # seconds that the worker is given to finish what it is doing
LOG_TAIL = 20  # lines

HORARIUM = (sys.executable, "-m", "horarium", "-A", "app.celery_app")
WORKER = (*HORARIUM, "worker", "-B", "-l", "info", "-c", "2")
WEB = (*HORARIUM, "web", "-l", "warning", "--link")


def main(arguments: Sequence[str] | None = None) -> int:
    choices = _parser().parse_args(arguments)
    # For the worker and for app.celery_app, which is imported only after this.
    os.environ["EVENTS_DEMO"] = "0" if choices.daily else "1"
    if choices.run_folder is not None:
        os.environ["EVENTS_RUN"] = str(choices.run_folder)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    settings = read_settings()
    settings.run_folder.mkdir(parents=True, exist_ok=True)
    with _open_site(datetime.now(ZONE).date(), choices.port) as site:
        with open_store(settings.database) as store:
            store.register_sources(sources_of(site.url))
        return _run(site, settings, stop, choices.seconds, choices.web_port)


def _run(site: EventSite, settings: Settings, stop: threading.Event, seconds: float | None, web_port: int) -> int:
    from app.celery_app import app

    log, web_log = settings.run_folder / "worker.log", settings.run_folder / "web.log"
    watch = Watch(app, settings)
    port = str(_free_port(web_port))
    with _process(WORKER, log) as worker, _process((*WEB, "--port", port), web_log) as web:
        heading = f"dashboard {_address(web, web_log, stop)}\nsite {site.url}   worker's log {log}   Ctrl-C to stop"
        deadline = time.monotonic() + seconds if seconds is not None else None
        failed = _watch(worker, watch, heading, stop, deadline)
    snapshot, _ = watch.look()
    app.close()
    print_summary(snapshot)
    if failed is not None:
        print(f"the worker ended with code {failed}; the end of {log}:\n{_tail(log)}", file=sys.stderr)
        return 1
    if seconds is not None and not stop.is_set() and not snapshot.events:
        print(f"expected events to be stored within {seconds:g} s, got none; see {log}", file=sys.stderr)
        return 1
    return 0


def _watch(
    worker: subprocess.Popen[bytes], watch: Watch, heading: str, stop: threading.Event, deadline: float | None
) -> int | None:
    """Show what happens until it is to end; return the worker's exit code, if it ended by itself."""
    from app.tasks import health_check

    with open_view(heading) as view:
        health_check.delay()
        while worker.poll() is None and not stop.is_set() and (deadline is None or time.monotonic() < deadline):
            view.show(*watch.look())
            stop.wait(LOOK_EVERY)
        return worker.poll()


@contextmanager
def _process(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command until the block ends; then it and its children are gone.

    It has a process group of its own: Ctrl-C in the terminal reaches only us, and we tell it once.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGQUIT):
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                continue
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _address(web: subprocess.Popen[bytes], log: Path, stop: threading.Event) -> str:
    """Return the link that logs in to the dashboard, as it prints it; or what to read when there is none."""
    deadline = time.monotonic() + WEB_PATIENCE
    while web.poll() is None and not stop.is_set() and time.monotonic() < deadline:
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith("log in: "):
                return line.removeprefix("log in: ").split()[0]
        stop.wait(0.05)  # between two looks at what it has said
    return f"is not there; see {log}"


def _free_port(wanted: int) -> int:
    """Return this port or, if somebody has it, one that is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _open_site(day: date, port: int) -> EventSite:
    """Return the site on this port or, if somebody has it, on a free one."""
    try:
        return EventSite(day, port=port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return EventSite(day)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL:])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app.run", description="Run the events example live.")
    parser.add_argument("--seconds", type=float, help="stop after so many seconds; exit code 1 if nothing was stored")
    parser.add_argument("--port", type=int, default=PORT, help="of the site (%(default)s; any free one if taken)")
    parser.add_argument("--web-port", type=int, default=WEB_PORT, help="of the dashboard (%(default)s; likewise)")
    parser.add_argument("--run-folder", type=Path, help="where databases and log are kept (./run)")
    parser.add_argument("--daily", action="store_true", help="the real schedule, not one of a few seconds")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Run an example, whole: what it speaks to, a worker with its scheduler, the dashboard, and a view of what they do.
``make run EXAMPLE=...`` calls this.

Ctrl-C or TERM ends all of it; the exit code is 0. ``--seconds N`` ends it after a while and tells what was done: exit
code 1 if no run succeeded. When a process ends on its own, the end of its log is shown and the code is 1.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from zoneinfo import ZoneInfo

from live.processes import Failed, free_port, link_in, run_to_its_end, running, tail
from live.shows import Show
from live.view import open_view, print_summary
from live.watch import Watch

EXAMPLES = Path(__file__).resolve().parents[1]
LOOK_EVERY = 0.5  # seconds
WEB_PORT = 8600
SITE_PORT = 8000


def main(arguments: Sequence[str] | None = None) -> int:
    choices = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    home = EXAMPLES / choices.example
    folder = (choices.run_folder or home / "run").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    prefix = choices.example.upper()
    os.environ |= {f"{prefix}_RUN": str(folder), f"{prefix}_DEMO": "0" if choices.daily else "1"}
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(home), os.environ.get("PYTHONPATH")]))
    os.chdir(home)
    sys.path.insert(0, str(home))
    show: Show = importlib.import_module("show").SHOW
    try:
        with show.outside(folder) as variables:
            os.environ |= variables
            return _run(show, folder, stop, choices)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1


def _run(show: Show, folder: Path, stop: threading.Event, choices: argparse.Namespace) -> int:
    (folder / "prepare.log").unlink(missing_ok=True)
    for command in show.prepare:
        run_to_its_end(command, folder / "prepare.log")
    app = show.load()
    watch = Watch(app, show.facts)
    horarium = ("-m", "horarium", "-A", show.app)
    web_port, site_port = free_port(choices.web_port), free_port(choices.site_port)
    commands = {
        "worker": [*horarium, "worker", "-l", "info", *show.worker],
        "web": [*horarium, "web", "-l", "warning", "--link", "--port", str(web_port)],
    }
    if show.site is not None:
        commands["site"] = [word.format(port=site_port) for word in show.site]
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(running(words, folder / f"{name}.log")) for name, words in commands.items()
        }
        heading = [f"dashboard {link_in(folder / 'web.log', processes['web'], stop)}"]
        if show.site is not None:
            heading.append(f"site http://127.0.0.1:{site_port}")
        if show.hint:
            heading.append(show.hint)
        heading.append(f"logs and databases are in {folder}; Ctrl-C to stop")
        _watch(processes, watch, "\n".join(heading), show.zone, stop, choices.seconds)
        ended = [name for name, process in processes.items() if process.poll() is not None]
    snapshot, _ = watch.look()
    app.close()
    print_summary(snapshot)
    for name in ended:
        code = processes[name].returncode
        raise Failed(f"the {name} ended with {code}; the end of its log:\n{tail(folder / f'{name}.log')}")
    if choices.seconds is not None and not stop.is_set() and not snapshot.endings["SUCCESS"]:
        raise Failed(f"expected a run to succeed within {choices.seconds:g} s, none did; see {folder / 'worker.log'}")
    return 0


def _watch(
    processes: Mapping[str, subprocess.Popen[bytes]],
    watch: Watch,
    heading: str,
    zone: str,
    stop: threading.Event,
    seconds: float | None,
) -> None:
    """Show what happens until it is to end, or one of the processes has ended."""
    deadline = time.monotonic() + seconds if seconds is not None else float("inf")
    with open_view(heading, ZoneInfo(zone)) as view:
        while not stop.is_set() and time.monotonic() < deadline:
            view.show(*watch.look())
            if any(process.poll() is not None for process in processes.values()):
                return
            stop.wait(LOOK_EVERY)


def _parser() -> argparse.ArgumentParser:
    examples = sorted(path.parent.name for path in EXAMPLES.glob("*/show.py"))
    parser = argparse.ArgumentParser(prog="python -m live", description="Run an example live.")
    parser.add_argument("example", choices=examples)
    parser.add_argument("--seconds", type=float, help="stop after so many seconds; exit code 1 if no run succeeded")
    parser.add_argument("--web-port", type=int, default=WEB_PORT, help="of the dashboard (%(default)s; or a free one)")
    parser.add_argument("--site-port", type=int, default=SITE_PORT, help="of the example's own site (likewise)")
    parser.add_argument("--run-folder", type=Path, help="where databases and logs are kept (EXAMPLE/run)")
    parser.add_argument("--daily", action="store_true", help="the real schedules, not those of a few seconds")
    return parser


if __name__ == "__main__":
    sys.exit(main())

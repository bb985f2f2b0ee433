"""The program of the process beside a web process; ``embedding.py`` starts it, nobody else does.

It imports the app anew, as ``horarium worker`` does, and ends in good order with the process that started it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from threading import Event, Thread
from typing import Any

import msgspec

from horarium.app.app import Horarium
from horarium.clock import Seconds
from horarium.contrib.embedding.order import Order
from horarium.observe import logs
from horarium.observe.lines import Lines
from horarium.scheduler.beat import Scheduler
from horarium.worker.options import WorkerOptions, expand_name, options_from
from horarium.worker.process import die_with_parent, outlive_parent
from horarium.worker.supervisor import Companion, Supervisor

LOOK_EVERY: Seconds = 0.5


class Guardian:
    """Asks this process to stop, once, when its parent has ended.

    The kernel's word, which watches over the start, may come several times, and a second TERM means "at once". So the
    guardian takes over from it; it must be made in the main thread.
    """

    def __init__(self, parent: int, *, look_every: Seconds = LOOK_EVERY) -> None:
        self._parent = parent
        self._look_every = look_every
        self._stopped = Event()
        outlive_parent()

    def run(self) -> int:
        while not self._stopped.wait(self._look_every):
            if os.getppid() != self._parent:
                os.kill(os.getpid(), signal.SIGTERM)
                break
        return 0

    def stop(self) -> None:
        self._stopped.set()


def main(order: Order) -> int:
    """Run until told to stop, or until the parent ends; return an exit code."""
    die_with_parent(order.parent, signal.SIGTERM)
    sys.path[:] = order.search
    module, _, attribute = order.app.partition(":")
    app: Horarium = getattr(import_module(module), attribute)
    app.import_includes()
    options = options_from(app.conf, **{"name": f"web-{order.parent}@%h", "run_dir": "", **_typed(order.options)})
    logs.configure(options.loglevel, app.conf)
    observer = Lines()
    name = expand_name(f"beat-{order.parent}@%h")
    scheduler = partial(Scheduler, app, name=name, observer=observer, run_dir=options.run_dir)
    guardian = partial(Guardian, order.parent)
    if not order.worker:
        Thread(target=guardian().run, name="horarium-guardian", daemon=True).start()
        return scheduler().run()
    companions: list[Callable[[], Companion]] = [guardian, *([scheduler] if order.beat else [])]
    if app.conf.alerts is not None:
        from horarium.alerts.watch import Watcher  # as in `horarium worker`

        companions.append(partial(Watcher, app, name=expand_name(f"web-{order.parent}@%h"), observer=observer))
    return Supervisor(app, options, observer=observer, companions=companions).run()


def _typed(options: dict[str, Any]) -> dict[str, Any]:
    """Return options as they were before they became JSON, which knows no tuples."""
    kinds = {field.name: field.type for field in msgspec.structs.fields(WorkerOptions)}
    return {name: value if value is None else msgspec.convert(value, kinds[name]) for name, value in options.items()}


if __name__ == "__main__":
    sys.exit(main(msgspec.json.decode(sys.stdin.buffer.read(), type=Order)))

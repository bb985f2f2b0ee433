"""Embedding, the web process's side: a thread that keeps one process running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from threading import Event, Lock, Thread
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from horarium.address import masked
from horarium.app.registry import nearest
from horarium.clock import Seconds
from horarium.contrib.embedding.order import Order
from horarium.errors import ImproperlyConfigured
from horarium.event import Observer, Troubled
from horarium.observe.lines import Lines
from horarium.worker.options import WorkerOptions, options_from
from horarium.worker.patience import Patience

if TYPE_CHECKING:
    from horarium.app.app import Horarium

PROGRAM = "horarium.contrib.embedding"
LONGEST_PAUSE: Seconds = 30.0  # before it is started again
SOUND_AFTER: Seconds = 30.0  # a process that has lived so long was well; the pauses begin anew
AFTER_GRACE: Seconds = 3.0  # what recording the last ends may take, beyond the grace
QUIT_WITHIN: Seconds = 2.0  # what giving back may take
FRAMEWORKS = ("fastapi", "starlette", "flask", "django", "quart", "litestar")  # a worker does without them if it can


class Embedding:
    """A worker, a scheduler or both beside this process, from ``start`` to ``stop``.

    ``path`` is where another process finds the app, such as "shop.tasks:app"; without it, it is looked for in the
    modules that have been imported. ``options`` are those of a worker (``concurrency``, ``pool``, ``queues``,
    ``grace``, ``loglevel`` ...), by the names of WorkerOptions. Raises: ImproperlyConfigured when there is nothing to
    run, when another process could not find the app or use its store; InvalidSetting for a bad option.
    """

    def __init__(
        self,
        app: Horarium,
        *,
        worker: bool = False,
        beat: bool = False,
        path: str | None = None,
        observer: Observer | None = None,
        **options: Any,  # one option's value each
    ) -> None:
        if not (worker or beat):
            raise ImproperlyConfigured("expected something to embed, got nothing; say worker=True, beat=True, or both")
        what = " and ".join(word for word, is_wanted in (("worker", worker), ("scheduler", beat)) if is_wanted)
        _require_shared(app, what)
        _require_known(options)
        checked = options_from(app.conf, **options)
        self._where = f"embedded {what}"
        self._grace = checked.grace
        self._patience = Patience(LONGEST_PAUSE, app.random)
        self._clock = app.clock
        self._observer = observer or Lines()
        self._path = path or path_of(app)
        self._worker, self._beat, self._options = worker, beat, options
        self._lock = Lock()  # guards _process and _is_stopping
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopping = False
        self._stopped = Event()
        self._thread: Thread | None = None

    @property
    def pid(self) -> int | None:
        """The process that works; None while there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start it; returns at once. Starting twice changes nothing."""
        if self._thread is None:
            self._thread = Thread(target=self._watch, name="horarium-embedding", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Let running tasks end within their grace, give the rest back, and wait for that. From any thread, any number
        of times."""
        with self._lock:
            self._is_stopping = True
        self._stopped.set()
        if self._thread is None:
            return
        for number, patience in ((signal.SIGTERM, self._grace + AFTER_GRACE), (signal.SIGQUIT, QUIT_WITHIN)):
            self._tell(number)
            self._thread.join(patience)
            if not self._thread.is_alive():
                return
        self._tell(signal.SIGKILL)  # the children end with it
        self._thread.join()

    def _watch(self) -> None:
        """Keep the process running. It is started from this thread, for it hears of this thread's end."""
        while (process := self._launch()) is not None:
            began = self._clock.monotonic()
            process.communicate(self._order())  # and wait for its end
            if self._stopped.is_set():
                return
            if self._clock.monotonic() - began >= SOUND_AFTER:
                self._patience.reset()
            wait = self._patience.next_wait()
            self._observer.tell(
                Troubled(where=self._where, reason=f"process {process.pid} {_end(process.returncode)}", wait=wait)
            )
            if self._stopped.wait(wait):
                return

    def _launch(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._is_stopping:
                return None
            self._process = subprocess.Popen(
                [sys.executable, "-m", PROGRAM, self._path],  # the path is for people who look at processes
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
            return self._process

    def _order(self) -> bytes:
        return msgspec.json.encode(
            Order(
                app=self._path,
                worker=self._worker,
                beat=self._beat,
                parent=os.getpid(),
                search=tuple(entry or str(Path.cwd()) for entry in sys.path),
                options=self._options,
            )
        )

    def _tell(self, number: int) -> None:
        with self._lock:
            if self._process is not None:
                self._process.send_signal(number)


def path_of(app: Horarium) -> str:
    """Return where another process finds this app, as "module:attribute".

    A module that holds nothing of a web framework is preferred: a worker has no use for one. Raises:
    ImproperlyConfigured when no module but ``__main__`` holds it.
    """
    found = [
        (_is_of_web(module), name, attribute)
        for name, module in list(sys.modules.items())
        if isinstance(module, ModuleType) and not name.startswith(("horarium.", "__"))
        for attribute, value in list(vars(module).items())
        if value is app
    ]
    if not found:
        raise ImproperlyConfigured(
            f"expected the app {app.main!r} to be a global of a module that a worker can import, found it in none; "
            "make it in a module of its own, such as tasks.py, or say where it is with path='module:attribute'"
        )
    _, name, attribute = min(found)
    return f"{name}:{attribute}"


def _is_of_web(module: ModuleType) -> bool:
    kinds = (type(value).__module__ for value in vars(module).values())
    return any(kind.split(".")[0] in FRAMEWORKS for kind in kinds)


def _require_known(options: Iterable[str]) -> None:
    known = [field.name for field in msgspec.structs.fields(WorkerOptions)]
    for name in options:
        if name not in known:
            meant = nearest(name, known)
            hint = f"did you mean {meant}?" if meant else f"there are {', '.join(sorted(known))}"
            raise ImproperlyConfigured(f"expected the options of a worker, got {name!r}; {hint}")


def _require_shared(app: Horarium, what: str) -> None:
    stores = [url for url in app.connection.urls if url.startswith("memory")]
    if stores:
        raise ImproperlyConfigured(
            f"expected a store that several processes can use, for the embedded {what}, got {masked(stores[0])}; use "
            "sqlite:///FILE, or in tests horarium.testing.start_worker"
        )


def _end(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

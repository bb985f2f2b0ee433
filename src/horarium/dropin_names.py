"""Where Celery's modules and names live here: one table, for those who rewrite imports and those who redirect them.

A module that is in ``MODULES`` has a home; of its names, those in ``names`` (None: all that the home has). One in
``WITHOUT`` has none, for the reason given there. Everything here is text: nothing is imported.
"""

from __future__ import annotations

from msgspec import Struct


class Home(Struct, frozen=True):
    """A module of ours, and which of the names of Celery's module it has; None: every public one."""

    module: str
    names: frozenset[str] | None = None


def _home(module: str, names: str = "") -> Home:
    return Home(module, frozenset(names.split()) if names else None)


_CANVAS = "Signature signature subtask maybe_signature chain group chord chunks xmap xstarmap"
_BEAT = "horarium.contrib.django.beat"
_RESULTS = "horarium.contrib.django.results"
_TOP = f"Celery Task shared_task current_app current_task bugreport uuid {_CANVAS}"

MODULES: dict[str, Home] = {
    "celery": _home("horarium", _TOP),
    "celery._state": _home("horarium", "current_app current_task"),
    "celery.app": _home("horarium", "Celery shared_task current_app"),
    "celery.app.base": _home("horarium", "Celery"),
    "celery.app.task": _home("horarium", "Task"),
    "celery.canvas": _home("horarium.canvas"),
    "celery.contrib.abortable": _home("horarium.abortable"),
    "celery.contrib.pytest": _home("horarium.testing.celery_fixtures"),
    "celery.contrib.testing": _home("horarium.testing"),
    "celery.contrib.testing.app": _home("horarium.testing.celery", "TestApp Trap set_trap setup_default_app"),
    "celery.contrib.testing.tasks": _home("horarium.testing.celery", "ping"),
    "celery.contrib.testing.worker": _home("horarium.testing.celery", "start_worker"),
    "celery.exceptions": _home("horarium.exceptions"),
    "celery.result": _home("horarium.result"),
    "celery.schedules": _home("horarium.schedules", "crontab schedule solar"),
    "celery.signals": _home("horarium.signals"),
    "celery.states": _home("horarium.states"),
    "celery.utils": _home("horarium", "uuid"),
    "celery.utils.log": _home("horarium.log", "get_task_logger get_logger"),
    "billiard.exceptions": _home("horarium.exceptions", "SoftTimeLimitExceeded TimeLimitExceeded WorkerLostError"),
    "kombu.exceptions": _home("horarium.exceptions", "OperationalError"),
    "django_celery_beat": _home(
        _BEAT, "admin apps migrations models querysets schedulers signals tzcrontab validators"
    ),
    "django_celery_beat.admin": _home(f"{_BEAT}.admin"),
    "django_celery_beat.apps": _home(f"{_BEAT}.apps"),
    "django_celery_beat.clockedschedule": _home("horarium.schedules", "clocked"),
    "django_celery_beat.models": _home(f"{_BEAT}.models"),
    "django_celery_beat.querysets": _home(f"{_BEAT}.querysets"),
    "django_celery_beat.schedulers": _home(f"{_BEAT}.schedulers"),
    "django_celery_beat.signals": _home(f"{_BEAT}.signals"),
    "django_celery_beat.tzcrontab": _home(f"{_BEAT}.tzcrontab", "TzAwareCrontab"),
    "django_celery_beat.utils": _home(f"{_BEAT}.moments"),
    "django_celery_beat.validators": _home(f"{_BEAT}.validators"),
    "django_celery_results": _home(_RESULTS, "admin apps backends managers migrations models urls views"),
    "django_celery_results.admin": _home(f"{_RESULTS}.admin"),
    "django_celery_results.apps": _home(f"{_RESULTS}.apps"),
    "django_celery_results.backends": _home(f"{_RESULTS}.backends"),
    "django_celery_results.backends.cache": _home(f"{_RESULTS}.backends"),
    "django_celery_results.backends.database": _home(f"{_RESULTS}.backends"),
    "django_celery_results.managers": _home(f"{_RESULTS}.managers"),
    "django_celery_results.models": _home(f"{_RESULTS}.models"),
    "django_celery_results.urls": _home(f"{_RESULTS}.urls"),
    "django_celery_results.utils": _home(f"{_BEAT}.moments", "now now_localtime"),
    "django_celery_results.views": _home(f"{_RESULTS}.views"),
}

WITHOUT: dict[str, str] = {
    "celery.apps": "start workers with `horarium worker`, schedulers with `horarium beat`",
    "celery.backends": "results are in the store; a backend of one's own has no place: read them with AsyncResult",
    "celery.beat": "a scheduler of one's own has no place: the store fires schedules; change them with app.schedules",
    "celery.bin": "write a click command of your own beside `horarium`",
    "celery.bootsteps": "workers have no bootsteps: use the signals worker_init, worker_ready and worker_shutdown",
    "celery.concurrency": "the pools are process, thread, async and solo; none of one's own can be plugged in",
    "celery.contrib.django": "call the task in transaction.on_commit, or send in your own transaction",
    "celery.contrib.migrate": "use `horarium migrate` to move messages between stores",
    "celery.contrib.rdb": "use breakpoint() with `horarium worker -P solo`, or a debugger that attaches to a process",
    "celery.contrib.sphinx": "document the functions: a task keeps its function's docstring",
    "celery.events": "listen to the app's events: see the reference of events and log lines",
    "celery.fixups": "nothing has to be fixed up by hand",
    "celery.loaders": "a loader of one's own has no place: give the app its settings and `include`",
    "celery.local": "write a function that returns the object",
    "celery.platforms": "processes are systemd's or the container's: nothing here detaches or changes users",
    "celery.security": "messages are JSON and are not signed: protect the way to the store (TLS, passwords)",
    "celery.task": "Celery itself has dropped it: use @app.task or @shared_task, and horarium.Task as a base class",
    "celery.utils": "it is Celery's own tool: take the standard library's, or copy what you need",
    "celery.worker": "workers cannot be subclassed or extended from inside: use signals, hooks of Task, or events",
    "kombu": "there is no broker: name queues by text; messages are JSON",
    "billiard": "use the standard library's multiprocessing",
    "amqp": "there is no broker to talk to",
    "django_celery_beat": "see models, admin and schedulers of horarium.contrib.django.beat for what there is",
    "django_celery_results": "see models, managers and views of horarium.contrib.django.results for what there is",
    "redbeat": "not needed: the store keeps schedules and fires each once; change them with app.schedules",
    "celery_singleton": "not needed: give the task unique_for or unique_key",
    "celery_once": "not needed: give the task unique_for or unique_key",
    "flower": "there is nothing to import: `horarium flower` serves its API and metrics, and pages of our own",
    "celery": "it has no equivalent under this name",
}


def home_of(module: str, name: str = "") -> str | None:
    """Return the module of ours that has what Celery's ``module`` has (under the same name); None if none has."""
    home = MODULES.get(module)
    if home is None or (name and home.names is not None and name not in home.names):
        return None
    return home.module


def is_theirs(module: str) -> bool:
    """Is this a module of Celery's family: one in a table here, or below one?"""
    return module.partition(".")[0] in _FAMILIES


def why_without(module: str) -> str:
    """Return what to do about a module or a name of Celery's family that has no home here."""
    while module not in WITHOUT:
        module, dot, _ = module.rpartition(".")
        if not dot:
            return ""
    return WITHOUT[module]


_FAMILIES = frozenset(name.partition(".")[0] for name in (*MODULES, *WITHOUT))

"""Which module stands for which of Celery's in drop-in mode. Plain data: one line adds a module or a name.

``horarium.dropin_names`` says where a program should find things when it moves. What nobody should move to, but
programs that stay as they are ask for, is here: Celery's own tools, its internals that others use, and kombu's words.
"""

from __future__ import annotations

from horarium.dropin_names import MODULES

ALWAYS_OURS = frozenset({"celery", "django_celery_beat", "django_celery_results"})
OURS_IF_ALONE = frozenset({"kombu", "billiard"})  # only where the real ones are not installed

_HERE = "horarium.dropin."

# A module of Celery's -> modules of ours, asked in this order, before the one that MODULES names; of each all public
# names, or those after the colon. A module of ours that there is not is passed over.
SHIMS: dict[str, tuple[str, ...]] = {
    "celery": (f"{_HERE}top", "horarium.canvas"),
    "celery._state": (
        f"{_HERE}state:app_or_default current_app current_task default_app get_current_app get_current_task "
        "get_current_worker_task set_default_app",
    ),
    "celery.app": (f"{_HERE}state:app_or_default default_app", "horarium:bugreport"),
    "celery.app.control": ("horarium.app.control",),
    "celery.app.registry": (f"{_HERE}state:TaskRegistry",),
    "celery.beat": (f"{_HERE}beat",),
    "celery.canvas": (
        "horarium.app.canvas:chain chord group",
        "horarium.app.mapping:chunks xmap xstarmap",
        "horarium.app.signature:Signature maybe_signature signature subtask",
        "horarium.app.stamping:StampingVisitor",
    ),
    "celery.contrib.abortable": ("horarium.app.abortable:ABORTED AbortableAsyncResult AbortableTask",),
    "celery.contrib.pytest": ("horarium.testing.celery_fixtures",),
    "celery.contrib.testing.app": ("horarium.testing.celery:TestApp Trap set_trap setup_default_app",),
    "celery.contrib.testing.tasks": ("horarium.testing.celery:ping",),
    "celery.contrib.testing.worker": ("horarium.testing.celery:start_worker",),
    "celery.local": (f"{_HERE}local",),
    "celery.registry": (f"{_HERE}state:tasks",),
    "celery.result": (
        "horarium.app.joining:allow_join_result assert_will_not_block denied_join_result",
        "horarium.app.result_set:GroupResult ResultSet result_from_tuple",
    ),
    "celery.schedules": (f"{_HERE}schedules",),
    "celery.utils": (f"{_HERE}tools:cached_property chunks gen_unique_id memoize noop uuid nodename nodesplit",),
    "celery.utils.dispatch": ("horarium.signals:Signal",),
    "celery.utils.functional": (f"{_HERE}tools:chunks first maybe_list memoize noop uniq",),
    "celery.utils.imports": (f"{_HERE}tools:gen_task_name import_from_cwd instantiate qualname symbol_by_name",),
    "celery.utils.nodenames": (f"{_HERE}tools:gethostname nodename nodesplit",),
    "celery.utils.objects": (f"{_HERE}tools:cached_property",),
    "celery.utils.time": (f"{_HERE}tools:is_naive maybe_iso8601 maybe_make_aware maybe_timedelta",),
    "celery.worker.request": ("horarium.app.request:Request",),
    "billiard": (f"{_HERE}billiard:VERSION",),
    "billiard.einfo": (f"{_HERE}billiard:ExceptionInfo ExceptionWithTraceback",),
    "django_celery_beat": (f"{_HERE}django_celery_beat",),
    "django_celery_beat.migrations": ("horarium.contrib.django.beat.migrations",),
    "django_celery_results": (f"{_HERE}django_celery_results",),
    "django_celery_results.migrations": ("horarium.contrib.django.results.migrations",),
    "kombu": (f"{_HERE}kombu:Exchange Queue binding uuid",),
    "kombu.common": (f"{_HERE}kombu:Broadcast uuid",),
    "kombu.entity": (f"{_HERE}kombu:Exchange Queue binding",),
    "kombu.serialization": (f"{_HERE}kombu:register registry",),
    "kombu.utils": (f"{_HERE}tools:cached_property symbol_by_name uuid",),
    "kombu.utils.functional": (f"{_HERE}tools:maybe_list memoize",),
    "kombu.utils.imports": (f"{_HERE}tools:symbol_by_name",),
    "kombu.utils.json": (f"{_HERE}kombu:dumps loads",),
    "kombu.utils.objects": (f"{_HERE}tools:cached_property",),
    "kombu.utils.uuid": (f"{_HERE}tools:uuid",),
}


def sources_of(module: str) -> list[tuple[str, frozenset[str] | None]]:
    """Return the modules of ours that a module of Celery's is made of, each with its names; None: all public ones."""
    found = [_read(source) for source in SHIMS.get(module, ())]
    home = MODULES.get(module)
    return found if home is None else [*found, (home.module, home.names)]


def is_known(module: str) -> bool:
    """Whether there is a module of this name in drop-in mode, or one below it."""
    return module in _KNOWN


def submodules_of(module: str) -> frozenset[str]:
    """Return the names of the modules just below this one."""
    above = f"{module}."
    return frozenset(
        name.removeprefix(above) for name in _KNOWN if name.startswith(above) and "." not in name.removeprefix(above)
    )


def _read(source: str) -> tuple[str, frozenset[str] | None]:
    module, _, names = source.partition(":")
    return module, frozenset(names.split()) if names else None


def _with_parents(names: set[str]) -> frozenset[str]:
    return frozenset(
        ".".join(parts[:end]) for name in names if (parts := name.split(".")) for end in range(1, len(parts) + 1)
    )


_KNOWN = _with_parents({name for name in (*SHIMS, *MODULES) if name.partition(".")[0] in ALWAYS_OURS | OURS_IF_ALONE})

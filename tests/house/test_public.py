"""The public names: pinned, documented, and cheap to import."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import horarium

EXPORTED = [
    "AsyncResult",
    "Celery",
    "EagerResult",
    "GroupResult",
    "Horarium",
    "Ignore",
    "Reject",
    "ResultSet",
    "Retry",
    "Signature",
    "SoftTimeLimitExceeded",
    "StampingVisitor",
    "Task",
    "__version__",
    "bugreport",
    "calendar",
    "chain",
    "chord",
    "chunks",
    "clocked",
    "cron",
    "crontab",
    "current_app",
    "current_task",
    "dates",
    "dates_from_ical",
    "every",
    "explain",
    "group",
    "maybe_signature",
    "public_holidays",
    "result_from_tuple",
    "schedule",
    "shared_task",
    "signature",
    "solar",
    "subtask",
    "union",
    "uuid",
    "without",
    "xmap",
    "xstarmap",
]
HOOKS = ("on_", "before_", "after_")  # a comment above them speaks for all
# What `import horarium` must not drag in: doors, web and database clients that a caller may never need, and the
# standard library's heavy rooms, which are imported where they are used.
NOT_AT_IMPORT = (
    "apsw sqlite3 redis psycopg click rich fastapi uvicorn jinja2 textual asyncio logging.config multiprocessing "
    "difflib dataclasses subprocess libcst ephem holidays icalendar cron_descriptor horarium.worker horarium.scheduler "
    "horarium.cli horarium.testing"
).split()


def test_the_exported_names_are_these() -> None:
    assert sorted(horarium.__all__) == sorted(EXPORTED)
    assert all(hasattr(horarium, name) for name in EXPORTED)


@pytest.mark.parametrize("package", ["horarium", "horarium.testing"])
def test_an_exported_name_is_no_room_that_was_imported_before(package: str) -> None:
    script = f"""
import importlib, importlib.util, types
package = importlib.import_module({package!r})
for name in package.__all__:
    if importlib.util.find_spec(f"{package}.{{name}}") is not None:
        importlib.import_module(f"{package}.{{name}}")
print([name for name in package.__all__ if isinstance(getattr(package, name), types.ModuleType)])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.parametrize("name", [name for name in EXPORTED if not name.startswith("__")])
def test_what_is_exported_and_its_public_methods_say_what_they_promise(name: str) -> None:
    thing = getattr(horarium, name)
    assert inspect.getdoc(thing)
    if not inspect.isclass(thing):
        return
    methods = [
        f"{name}.{key}"
        for key, member in vars(thing).items()
        if inspect.isfunction(member) and not key.startswith(("_", *HOOKS)) and not inspect.getdoc(getattr(thing, key))
    ]
    assert methods == []


def test_importing_all_names_of_horarium_drags_in_neither_doors_nor_clients() -> None:
    script = f"import sys\nfrom horarium import *\nprint(*[name for name in {NOT_AT_IMPORT!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.split() == []


def test_importing_horarium_alone_imports_no_room_of_the_house() -> None:
    """The pytest plugin is loaded in every run of pytest, and `horarium health` in every probe."""
    script = "import sys, horarium; print(*[name for name in sys.modules if name.startswith('horarium.')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.split() == []


def test_rooms_are_there_without_an_import_of_their_own() -> None:
    script = "import horarium; print(horarium.errors.ResultTimeout.__name__)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.split() == ["ResultTimeout"]


def test_what_is_exported_nowhere_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'horarium' has no attribute 'celery'"):
        _ = horarium.celery
    assert set(EXPORTED) <= set(dir(horarium))

"""Imports go down: a floor uses only floors below it, never a neighbour, never the package root."""

from __future__ import annotations

import ast
import sys
from functools import cache

from source import SOURCE, files, imports

# Floor 0, in the order in which they are named: each word may use those before it.
WORDS = (
    "version address clock tally rate cautions errors states signals message outcome event tagged sayable conversion "
    "codec alerting settings_kinds settings_keeping settings_table settings_celery settings_names settings_view "
    "settings dropin_names command panel"
).split()
ROOMS = {
    1: ("retry", "routing", "priority", "limits", "loglines", "redaction", "schedules", "workflow"),
    2: ("engines.records", "engines.statements", "pulse"),
    3: ("engines.protocol",),  # still of floor 2, but made of records
    4: ("engines.memory", "engines.sqlite", "engines.postgres", "engines.redis", "engines.pair"),
    5: ("engines.connect",),  # still of floor 3, but above the engines that it chooses from
    6: ("app",),
    7: ("worker", "scheduler", "observe", "bridge", "transfer"),
    8: ("alerts",),  # a runner too, but it speaks in the words of observe
    9: ("dashboard",),
    10: (  # still of the doors' floor, but the dashboard is mounted by contrib
        "testing",
        "contrib",
        "health",
        "moving",
        "result",
        "log",
        "exceptions",
        "dropin",
        "canvas",
        "abortable",
    ),
    11: ("cli",),  # it may open its neighbours
    12: ("__main__", "__init__"),
}
FLOOR = dict.fromkeys(WORDS, 0) | {room: floor for floor, rooms in ROOMS.items() for room in rooms}

# A client library is imported in its engine's room and nowhere else; in one of several where they are named.
CLIENTS = {
    "apsw": "engines/sqlite/",
    "sqlite3": "engines/sqlite/",
    "redis": "engines/redis/",
    "psycopg": "engines/postgres/",
    "psycopg_pool": "engines/postgres/",
    "kombu": "bridge/",
    "amqp": "bridge/",
    "click": "cli/",
    "rich": "cli/",
    "textual": "cli/",
    "ephem": "schedules/",
    "holidays": "schedules/",
    "icalendar": "schedules/",
    "recurring_ical_events": "schedules/",
    "cron_descriptor": "schedules/",
    "libcst": "moving/",
    "django": "contrib/django/",
    "timezone_field": "contrib/django/",
    "fastapi": ("contrib/", "dashboard/"),
    "starlette": ("contrib/", "dashboard/"),
    "sse_starlette": ("contrib/", "dashboard/"),
    "jinja2": "dashboard/",
    "prometheus_client": "dashboard/",
    "markupsafe": "dashboard/",
    "uvicorn": "dashboard/",
    "flask": "contrib/",
    "apprise": "alerts/",
    "opentelemetry": "contrib/",
}


def room_of(module: str) -> str:
    """Return the room of a module, given by its name without ``horarium.``."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "engines" and len(parts) > 1 else parts[0]


def module_of(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def forbidden(user: str, used: str) -> str | None:
    """Return why module ``user`` may not import module ``used``, None if it may."""
    here, there = room_of(user), room_of(used)
    if here == there or user == "engines":
        return None
    if FLOOR[there] > FLOOR[here]:
        return f"{there} is above {here}"
    if FLOOR[there] == FLOOR[here] == 0:
        return None if WORDS.index(there) < WORDS.index(here) else f"{there} is named after {here}"
    if FLOOR[there] == FLOOR[here]:
        return f"{there} is a neighbour of {here}"
    return None


# What its library has documented: of every NamedTuple, of os, of Celery's proxies.
NOT_PRIVATE = {"_replace", "_asdict", "_fields", "_exit", "_get_current_object"}


@cache
def private_names(file: str) -> tuple[frozenset[str], dict[str, int]]:
    """Return the private names that objects of a file's own have, and those that it reads of others, with a line."""
    own, read = set(), {}
    for node in ast.walk(files()[file]):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                own.add(name)
            case ast.Attribute(attr=name):
                read[name] = node.lineno
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.Name(id=name):
                own.add(name)
    return frozenset(filter(_is_private, own)), {name: line for name, line in read.items() if _is_private(name)}


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in NOT_PRIVATE


def test_no_room_reads_what_is_private_to_another() -> None:
    """What another room needs has a public name. Private names of libraries are not meant."""
    rooms: dict[str, set[str]] = {}
    for file in files():
        rooms.setdefault(room_of(module_of(file)), set()).update(private_names(file)[0])
    assert [
        f"{file}:{line}: {name} of {room}"
        for file in files()
        for name, line in private_names(file)[1].items()
        for room in rooms
        if name in rooms[room] and name not in rooms[room_of(module_of(file))]
    ] == []


def test_a_floor_imports_only_floors_below_it() -> None:
    wrong = [
        f"{file}:{line}: {why}"
        for file in files()
        for name, line in imports(file)
        if name.startswith("horarium.")
        and (why := forbidden(module_of(file), name.removeprefix("horarium."))) is not None
    ]
    assert wrong == []


def test_nothing_inside_imports_the_package_root() -> None:
    inside = files().keys() - {"__init__.py"}
    assert [f"{file}:{line}" for file in inside for name, line in imports(file) if name == "horarium"] == []


def test_every_room_has_its_floor() -> None:
    rooms = {room_of(module_of(file)) for file in files()} - {"engines"}
    assert rooms - FLOOR.keys() == set()


def test_a_client_library_stays_in_its_room() -> None:
    wrong = [
        f"{file}:{line}: {name}"
        for file in files()
        for name, line in imports(file)
        if not file.startswith(CLIENTS.get(name.split(".")[0], ""))
    ]
    assert wrong == []


def test_words_and_lone_rules_need_only_msgspec_and_the_standard_library() -> None:
    known = sys.stdlib_module_names | {"msgspec", "horarium"}
    alone = [file for file in files() if "/" not in file and file != "__init__.py"]
    assert [(file, name) for file in alone for name, _ in imports(file) if name.split(".")[0] not in known] == []


def test_the_guard_itself_sees_what_it_is_there_for() -> None:
    assert forbidden("message", "codec") == "codec is named after message"
    assert forbidden("engines.memory.queue", "engines.sqlite.queue") is not None
    assert forbidden("worker.feed", "scheduler.beat") is not None
    assert forbidden("app.producer", "worker.options") is not None
    assert forbidden("engines.connect", "engines.sqlite") is None
    assert forbidden("worker.feed", "engines.connect") is None
    assert ("horarium.codec", True) in {(name, True) for name, _ in imports("app/producer.py")}
    assert SOURCE.joinpath("codec.py").exists()

"""Only clock.py reads the time, and chance is drawn only where it is listed here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from source import files

READINGS = {
    "time": "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time thread_time clock_gettime "
    "localtime gmtime ctime",
    "datetime": "now utcnow today",
    "date": "today",
}
CLOCK_CALLS = {(owner, name) for owner, names in READINGS.items() for name in names.split()}
CHANCE_CALLS = {
    ("os", "urandom"),
    ("uuid", "uuid1"),
    ("uuid", "uuid4"),
    ("random", "random"),
    ("random", "SystemRandom"),
    ("random", "uniform"),
    ("random", "randint"),
    ("random", "randrange"),
    ("random", "choice"),
    ("random", "shuffle"),
    ("random", "seed"),
}
CHANCE_MODULES = {"random", "secrets"}

READS_TIME = {"clock.py", "health.py"}  # a probe cannot afford the import of the clock
# Where a source of chance may be made, and why; everybody else is given one.
DRAWS_CHANCE = {
    "message.py": "new_id: the random part of a UUIDv7",
    "app/app.py": "app.random: the jitter of retries and publishes",
    "worker/feed.py": "the default jitter of its waits",
    "worker/settle.py": "the default jitter of its waits",
    "dashboard/access/secret.py": "tokens, sessions, links: what nobody may guess",
    "dashboard/guard.py": "the number of a request, for its log line and its page",
    "engines/postgres/engine.py": "the jitter of those who hand over none",
    "engines/postgres/tokens.py": "numbers that nobody else may draw",
    "engines/redis/engine.py": "the jitter of those who hand over none",
    "engines/redis/tokens.py": "names that nobody else may have",
    "engines/sqlite/notifier.py": "the name of a FIFO, which nobody else may have",
    "engines/sqlite/opening.py": "the name of a draft, which nobody else may have",
}


def calls(tree: ast.Module, wanted: set[tuple[str, str]]) -> Iterator[str]:
    """Yield each use of one of the wanted (owner, name), as an attribute or as an imported name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
            if isinstance(node.value, ast.Attribute) and owner not in ("datetime", "date"):
                continue  # app.random is somebody's own source of chance, not the module
            if (owner, node.attr) in wanted:
                yield f"line {node.lineno}: {owner}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (node.module, alias.name) in wanted:
                    yield f"line {node.lineno}: from {node.module} import {alias.name}"


def test_only_the_clock_reads_the_time() -> None:
    found = {file: list(calls(tree, CLOCK_CALLS)) for file, tree in files().items() if file not in READS_TIME}
    assert {file: lines for file, lines in found.items() if lines} == {}


def draws(tree: ast.Module) -> list[str]:
    """Return where chance is drawn or a source of it is made; naming Random as a type is neither."""
    found = list(calls(tree, CHANCE_CALLS))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Random":
            found.append(f"line {node.lineno}: Random()")
        elif isinstance(node, ast.Import):
            found += [f"line {node.lineno}: import {a.name}" for a in node.names if a.name in CHANCE_MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module in CHANCE_MODULES - {"random"}:
            found.append(f"line {node.lineno}: from {node.module}")
    return found


def test_chance_is_passed_in() -> None:
    found = {file: draws(tree) for file, tree in files().items() if file not in DRAWS_CHANCE}
    assert {file: lines for file, lines in found.items() if lines} == {}


@pytest.mark.parametrize("file", sorted(DRAWS_CHANCE))
def test_the_list_of_sources_of_chance_names_only_files_that_have_one(file: str) -> None:
    assert draws(files()[file])


def test_the_guard_itself_sees_a_reading() -> None:
    tree = ast.parse("import time, datetime\nx = time.time()\ny = datetime.datetime.now()\nfrom time import monotonic")
    assert len(list(calls(tree, CLOCK_CALLS))) == 3
    assert len(draws(ast.parse("import random, uuid\nx = uuid.uuid4()\nfrom random import uniform, Random"))) == 3

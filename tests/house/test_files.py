"""What a stranger meets in each file: a size to read at once, a first word, nothing put off, nothing hushed up."""

from __future__ import annotations

import ast
import re

from source import ROOT, SOURCE, files

WALL = 500  # lines
WRITTEN = {".py", ".sql", ".lua"}
ROOMS = ("src", "tests", "bench", "examples", "docs")
NOT_OURS = {"__pycache__", "node_modules", ".venv"}
PUT_OFF = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
BANNER = re.compile(r"^\s*#\s*[-=#*]{4,}")


def written_files() -> list[str]:
    """Return the code that we write, by its path in the repository."""
    found = (path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in WRITTEN)
    return sorted(path.relative_to(ROOT).as_posix() for path in found if NOT_OURS.isdisjoint(path.parts))


def test_a_file_can_be_read_at_once_and_puts_nothing_off() -> None:
    wrong = []
    for name in written_files():
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        if len(lines) > WALL:
            wrong.append(f"{name}: {len(lines)} lines")
        if name != "tests/house/test_files.py":
            wrong += [f"{name}:{number}: {line}" for number, line in enumerate(lines, 1) if PUT_OFF.search(line)]
        wrong += [f"{name}:{number}: {line}" for number, line in enumerate(lines, 1) if BANNER.match(line)]
    assert wrong == []


def test_a_module_says_what_it_is_for() -> None:
    assert [file for file, tree in files().items() if tree.body and not ast.get_docstring(tree)] == []


def test_no_error_is_hushed_up() -> None:
    """A broad ``except`` whose body does nothing hides what went wrong; so does a bare one, with any body."""
    assert [place for file in files() for place in hushed_up(file)] == []


def hushed_up(file: str) -> list[str]:
    hushed = []
    for node in ast.walk(files()[file]):
        if isinstance(node, ast.ExceptHandler):
            names = {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)} if node.type else set()
            broad = not names or names & {"Exception", "BaseException"}
            idle = all(isinstance(step, ast.Pass | ast.Continue) or _is_ellipsis(step) for step in node.body)
            if node.type is None or (broad and idle):
                hushed.append(f"{file}:{node.lineno}")
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "suppress":
            names = {arg.id for arg in node.args if isinstance(arg, ast.Name)}
            if names & {"Exception", "BaseException"}:
                hushed.append(f"{file}:{node.lineno}")
    return hushed


def test_no_two_test_modules_have_one_name() -> None:
    """pytest imports them by their bare names, so one would be taken for the other."""
    names = [
        path.name
        for path in (ROOT / "tests").rglob("*.py")
        if path.name not in ("conftest.py", "__init__.py")
        and not {"suite", "moved"} & set(path.parts)  # each is run by itself
    ]
    assert sorted({name for name in names if names.count(name) > 1}) == []
    users = [path.name for path in (ROOT / "tests").rglob("*.py") if "\nfrom conftest import" in path.read_text()]
    assert users == []  # there are many of these; what tests share stands in a module with a name of its own


def test_sql_states_what_it_does_before_it_does_it() -> None:
    for path in SOURCE.rglob("*.sql"):
        assert path.read_text(encoding="utf-8").startswith("--"), path


def _is_ellipsis(step: ast.stmt) -> bool:
    return isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant) and step.value.value is Ellipsis

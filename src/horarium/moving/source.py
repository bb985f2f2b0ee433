"""A Python file as a tree, with what its names stand for, and values read without running anything."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final

from horarium.moving.folder import Unreadable


class _Unknown:
    """What only running the program would tell."""


UNKNOWN: Final = _Unknown()
_APPS = frozenset({"Celery", "Horarium"})


class Source:
    """One Python file. Raises: Unreadable when it is no Python."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.content = content
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of others' escapes and literals, which are no business of ours
                self.tree = ast.parse(content)
        except SyntaxError as error:
            raise Unreadable(f"it is no Python that {_version()} reads: {error.msg}, line {error.lineno}") from error
        except (ValueError, RecursionError, MemoryError) as error:
            raise Unreadable(f"it is no Python that can be read: {error}") from error
        self.nodes = list(ast.walk(self.tree))
        self.origins = dict(_origins(self.nodes))
        self.apps = {name for name, value in self._assigned() if self._makes_app(value)}

    def imports_any(self, fits: Callable[[str], bool]) -> bool:
        """Is a module imported, by its whole name, that fits?"""
        return any(
            (isinstance(node, ast.Import) and any(fits(alias.name) for alias in node.names))
            or (isinstance(node, ast.ImportFrom) and node.level == 0 and fits(node.module or ""))
            for node in self.nodes
        )

    def origin(self, node: ast.expr) -> str:
        """Return the dotted name that an expression stands for, through the file's imports; "" for anything else."""
        match node:
            case ast.Name(id=name):
                return self.origins.get(name, name)
            case ast.Attribute(value=value, attr=name):
                before = self.origin(value)
                return f"{before}.{name}" if before else ""
            case _:
                return ""

    def called(self, node: ast.expr) -> str:
        """Return the last name of what a call calls; "" if it is no call."""
        return self.origin(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""

    def is_app(self, node: ast.expr) -> bool:
        """Is this most likely an app of Celery's: made here, or imported from a module that is named for one?"""
        if isinstance(node, ast.Name) and node.id in self.apps:
            return True
        module, _, name = self.origin(node).rpartition(".")
        return name in ("app", "celery", "celery_app") and ("celery" in module or (not module and name != "app"))

    def _makes_app(self, value: ast.expr) -> bool:
        return self.called(value) in _APPS

    def _assigned(self) -> Iterator[tuple[str, ast.expr]]:
        for node in self.nodes:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    yield name, value
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    yield name, value


def literal(node: ast.expr) -> Any:  # Any: a value of the user's
    """Return the value of an expression that says it: constants, containers, sums, timedeltas; else UNKNOWN."""
    match node:
        case ast.BinOp(left=left, op=ast.Mult() | ast.Add() | ast.Sub() as op, right=right):
            return _sum(literal(left), op, literal(right))
        case ast.Call(func=ast.Name(id="timedelta") | ast.Attribute(attr="timedelta")):
            args, kwargs = arguments(node)
            try:
                return timedelta(*args, **kwargs)
            except (TypeError, OverflowError):
                return UNKNOWN
        case _:
            try:
                return ast.literal_eval(node)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                return UNKNOWN


def arguments(call: ast.Call) -> tuple[list[Any], dict[str, Any]]:
    """Return a call's arguments as far as they are literal; the others are UNKNOWN."""
    return [literal(one) for one in call.args], {one.arg: literal(one.value) for one in call.keywords if one.arg}


def texts(node: ast.expr) -> list[str]:
    """Return every text that stands in an expression, such as the default of ``os.environ.get(...)``."""
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _sum(left: Any, op: ast.operator, right: Any) -> Any:
    numbers = (int, float)
    if not (isinstance(left, (*numbers, timedelta)) and isinstance(right, (*numbers, timedelta))):
        return UNKNOWN
    try:
        match op:
            case ast.Mult():
                return left * right  # type: ignore[operator]  # what does not fit raises TypeError
            case ast.Add():
                return left + right  # type: ignore[operator]
            case _:
                return left - right  # type: ignore[operator]
    except (TypeError, OverflowError):
        return UNKNOWN


def _origins(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{'.' * node.level}{node.module or ''}.{alias.name}"


def _version() -> str:
    import sys

    return f"Python {sys.version_info.major}.{sys.version_info.minor}"

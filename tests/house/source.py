"""The house's source, read once as syntax trees."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "horarium"


@cache
def files() -> dict[str, ast.Module]:
    """Return each Python file below src/horarium by its path there, parsed."""
    return {
        path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(SOURCE.rglob("*.py"))
    }


@cache
def imports(file: str) -> frozenset[tuple[str, int]]:
    """Return every module that a file imports anywhere, with the line; names of our own are modules in full."""
    found = set()
    for node in ast.walk(files()[file]):
        if isinstance(node, ast.Import):
            found |= {(alias.name, node.lineno) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: expected a whole name, got a relative import"
            found |= {(_module(node.module or "", alias.name), node.lineno) for alias in node.names}
    return frozenset(found)


def _module(package: str, name: str) -> str:
    """Return package.name if that is a module of ours, else the package, from which a name is taken."""
    inside = SOURCE.joinpath(*package.split(".")[1:], name)
    is_module = package.split(".")[0] == "horarium" and (inside.with_suffix(".py").exists() or inside.is_dir())
    return f"{package}.{name}" if is_module else package

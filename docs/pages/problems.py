"""The codes by which the API tells programs why it refuses, read from the code that makes them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from horarium import errors
from horarium.dashboard import api, guard
from horarium.dashboard.ask import Unanswerable
from horarium.dashboard.guard import TooLarge, TooSlow

FILES = (*sorted(Path(api.__file__).parent.glob("*.py")), Path(guard.__file__))

INTRODUCTION = """
## Codes of refusals

`code` in a refusal never changes its meaning; `title` is for people and may. Beside them `http_NNN` stands for what the
web framework itself refuses, such as `http_404` for an address that is none.

| Code | Status | When |
|---|---|---|
"""


def problem_table() -> str:
    """Return the section of all codes, by their names."""
    reasons: dict[tuple[str, int], list[str]] = defaultdict(list)
    for path in FILES:
        for code, status, reason in _codes_in(ast.parse(path.read_text(encoding="utf-8"))):
            if reason not in reasons[code, status]:
                reasons[code, status].append(reason)
    for error in (TooLarge, TooSlow):
        reasons[error.code, error.status].append(error.text)
    for kind, status in Unanswerable.STATUS.items():
        reasons[kind.replace(" ", "_"), status].append("as the dashboard's page says it")
    return INTRODUCTION + "".join(
        f"| `{code}` | {status} | {'; '.join(reasons[code, status]).replace('|', chr(92) + '|')} |\n"
        for code, status in sorted(reasons)
    )


def _codes_in(tree: ast.Module) -> Iterator[tuple[str, int, str]]:
    """Yield each code that a file makes, its status, and what is said with it."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Name(id="Problem" | "Refusal"),
                args=[ast.Constant(int(status)), ast.Constant(str(code)), text, *_],
            ):
                yield code, status, _text(_assigned(text, tree))
            case ast.Tuple(elts=[ast.Name(id=error), ast.Call(func=ast.Name(id="_Answer"), args=[status, code, *_])]):
                yield ast.literal_eval(code), ast.literal_eval(status), _link(error)


def _assigned(text: ast.expr, tree: ast.Module) -> ast.expr:
    """Return what a name was given last before it is used here; what is no name stays."""
    if not isinstance(text, ast.Name):
        return text
    given = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == text.id and node.lineno < text.lineno
    ]
    return max(given, key=lambda node: node.lineno).value if given else text


def _text(text: ast.expr) -> str:
    """Return what is said, with `...` for what is filled in."""
    match text:
        case ast.Constant(value=str(said)):
            return said
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) if isinstance(part, ast.Constant) else "..." for part in parts)
        case _:
            return "its `title` says it"


def _link(error: str) -> str:
    is_ours = isinstance(getattr(errors, error, None), type)
    return f"[`{error}`](errors.md#{error.lower()})" if is_ours else f"`{error}`"

"""The entries of INSTALLED_APPS that name django-celery-beat or django-celery-results: ours have the same tables.

Their labels stay, so what names an app by its label (a migration's dependency, ``apps.get_model``) is left as it is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from horarium.moving.report import Found
from horarium.moving.source import Source

_HOMES = {
    "django_celery_beat": "horarium.contrib.django.beat",
    "django_celery_beat.apps.BeatConfig": "horarium.contrib.django.beat",
    "django_celery_results": "horarium.contrib.django.results",
    "django_celery_results.apps.CeleryResultConfig": "horarium.contrib.django.results",
}
_ADDING = frozenset({"append", "extend", "insert"})


def rewrite_apps(source: Source) -> tuple[bytes, list[Found]]:
    """Return the file with our apps in place of theirs, and what was done. Doing it twice changes nothing more."""
    lines = source.content.splitlines(keepends=True)
    found: list[Found] = []
    entries = list(app_entries(source))
    for node in sorted(entries, key=lambda node: (node.lineno, node.col_offset), reverse=True):  # the last one first
        home = _HOMES[str(node.value)]
        line, start, end = lines[node.lineno - 1], node.col_offset, node.end_col_offset or 0
        written = line[start:end]
        if written[:1] not in (b"'", b'"') or written[1:-1] != str(node.value).encode():
            advice = f"write {home!r}"
            found.append(Found(source.path, node.lineno, "part", repr(node.value), "by hand", advice))
            continue
        lines[node.lineno - 1] = line[: start + 1] + home.encode() + line[end - 1 :]
        found.append(Found(source.path, node.lineno, "part", repr(node.value), "rewritten", repr(home)))
    return b"".join(lines), found[::-1]


def app_entries(source: Source) -> Iterator[ast.Constant]:
    """Yield the texts that name one of these apps in a list of apps: a name such as INSTALLED_APPS, LOCAL_APPS."""
    for node in source.nodes:
        match node:
            case ast.Assign(targets=targets, value=value) if any(map(_is_of_apps, targets)):
                yield from _entries(value)
            case ast.AugAssign(target=target, value=value) if _is_of_apps(target):
                yield from _entries(value)
            case ast.AnnAssign(target=target, value=ast.expr() as value) if _is_of_apps(target):
                yield from _entries(value)
            case ast.Call(func=ast.Attribute(value=target, attr=name), args=args) if name in _ADDING:
                if _is_of_apps(target):
                    for one in args:
                        yield from _entries(one)


def _is_of_apps(target: ast.expr) -> bool:
    name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
    return name.endswith("APPS")


def _entries(value: ast.expr) -> Iterator[ast.Constant]:
    for node in ast.walk(value):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in _HOMES:
            yield node

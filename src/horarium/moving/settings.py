"""The settings of a project, wherever they are written: which have an effect here, which have none, which are refused.

The judge is Settings itself: what it accepts and explains, what it refuses and why.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from horarium.errors import ImproperlyConfigured
from horarium.moving.keys import KNOWN, key_of, looks_like_a_setting
from horarium.moving.report import Found, Verdict
from horarium.moving.schedules import find_entries
from horarium.moving.source import UNKNOWN, Source, literal, texts
from horarium.settings import Settings
from horarium.settings_celery import ACCEPTED, ALIASES

_PARTS = frozenset("loader amqp events log control task_cls fixups tasks".split())  # of Celery(...): one's own classes
_CONSTRUCTOR = {"broker": "broker_url", "backend": "result_backend", "include": "include"}
_NOT_SETTINGS = frozenset("main set_as_current config_source namespace strict_typing autofinalize changes".split())
_URLS = frozenset({"store", "broker_url", "result_backend"})


class _Written(NamedTuple):
    spelled: str
    value: ast.expr
    line: int
    sure: bool  # False: it may be a constant that only looks like a setting


def config_modules(source: Source) -> set[str]:
    """Return the modules that ``config_from_object`` names in a file, as paths without ``.py``."""
    named = set()
    for node in source.nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr="config_from_object"), args=[ast.Constant(value=str(name)), *_]):
                named.add(name.partition(":")[0].replace(".", "/"))
            case ast.Call(func=ast.Attribute(attr="config_from_object"), args=[ast.Name() as module, *_]):
                if (origin := source.origin(module)) and origin not in (module.id, "django.conf.settings"):
                    named.add(origin.lstrip(".").replace(".", "/"))
    return named


def find_settings(source: Source, *, is_config: bool) -> list[Found]:
    """Judge each setting in a file. ``is_config``: its lower-case names are settings too."""
    found = []
    for written in (*_names(source, is_config=is_config), *_of_apps(source)):
        key = key_of(written.spelled)
        if key == "beat_schedule":
            found += find_entries(source, written.value)
        elif one := _judged(source, written, key):
            found.append(one)
    return found


def _judged(source: Source, written: _Written, key: str) -> Found | None:
    verdict, advice = judge(key, written.value)
    if key not in KNOWN and not written.sure:
        verdict, advice = "note", f"if it is meant as a setting: {advice}"
    spelled = written.spelled if key_of(written.spelled) == written.spelled.lower() else f"{written.spelled} ({key})"
    return Found(source.path, written.line, "setting", spelled, verdict, advice)


def judge(key: str, node: ast.expr) -> tuple[Verdict, str]:
    """Return what becomes of a setting with the value that an expression has, as far as it can be read."""
    if key in ACCEPTED:
        return "no effect", ACCEPTED[key]
    if key not in KNOWN:
        return "by hand", _unknown(key)
    for value in _values(key, node):
        try:
            notices = Settings({key: value}).explain()
        except ImproperlyConfigured as error:
            return "by hand", str(error)
        if notices:
            return "note", notices[0].text
    return "works", f"the same as `{ALIASES[key]}`" if key in ALIASES else ""


def _unknown(key: str) -> str:
    try:
        Settings({key: None})
    except ImproperlyConfigured as error:
        return f"{error}; Celery ignores what it does not know, Horarium refuses it: remove it or correct its name"
    return ""


def _values(key: str, node: ast.expr) -> Iterator[Any]:
    """Yield what a setting is known to be: its value, or the addresses that stand in an expression for it."""
    value = literal(node)
    if value is not UNKNOWN:
        yield value
    elif key in _URLS:
        yield from (text for text in texts(node) if "://" in text)


def _names(source: Source, *, is_config: bool) -> Iterator[_Written]:
    """Yield the settings that are names of a module, or of a class of it."""
    sure = is_config or any(word in source.path.lower() for word in ("settings", "config"))
    for statement, inside in _statements(source.tree.body, ""):
        targets, value = _assignment(statement)
        if value is None:
            continue
        for target in targets:
            if not isinstance(target, ast.Name):
                continue
            own = is_config or "celery" in inside.lower()
            if looks_like_a_setting(target.id) or (own and (target.id in KNOWN or (target.id.lower() in KNOWN))):
                yield _Written(target.id, value, target.lineno, sure or own)


def _of_apps(source: Source) -> Iterator[_Written]:
    """Yield the settings that are given to an app: ``app.conf.key = ...``, ``app.conf.update()``, ``Celery()``."""
    for node in source.nodes:
        targets, value = _assignment(node)
        for target in targets if value is not None else ():
            match target:
                case ast.Attribute(value=ast.Attribute(attr="conf"), attr=key) if value is not None:
                    yield _Written(key, value, target.lineno, True)
                case ast.Subscript(value=ast.Attribute(attr="conf"), slice=ast.Constant(value=str(key))) if value:
                    yield _Written(key, value, target.lineno, True)
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="conf"), attr="update" | "setdefault")):
                yield from _given(node)
            case ast.Call(func=ast.Attribute(attr="add_defaults", value=app)) if source.is_app(app):
                yield from _given(node)
            case ast.Call() if source.called(node) in ("Celery", "Horarium"):
                yield from (
                    one for one in _given(node) if one.spelled not in _PARTS and one.spelled not in _NOT_SETTINGS
                )


def parts_of_apps(source: Source) -> Iterator[Found]:
    """Yield the parts of one's own that an app is given: a loader, a class of tasks made elsewhere, and the like."""
    for node in source.nodes:
        if isinstance(node, ast.Call) and source.called(node) == "Celery":
            for keyword in node.keywords:
                if keyword.arg in _PARTS and literal(keyword.value) is not None:
                    advice = (
                        "give each task base=... instead, or @app.task(base=...)"
                        if keyword.arg == "task_cls"
                        else "an app has no parts that can be exchanged: leave it out"
                    )
                    what = f"Celery({keyword.arg}={ast.unparse(keyword.value)})"
                    yield Found(source.path, keyword.value.lineno, "part", what, "by hand", advice)


def _given(call: ast.Call) -> Iterator[_Written]:
    for one in call.args:
        if isinstance(one, ast.Dict):
            yield from _items(one)
    for keyword in call.keywords:
        if keyword.arg is not None:
            yield _Written(_CONSTRUCTOR.get(keyword.arg, keyword.arg), keyword.value, keyword.value.lineno, True)
        elif isinstance(keyword.value, ast.Dict):
            yield from _items(keyword.value)


def _items(node: ast.Dict) -> Iterator[_Written]:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield _Written(key.value, value, key.lineno, True)


def _assignment(node: ast.AST) -> tuple[list[ast.expr], ast.expr | None]:
    match node:
        case ast.Assign(targets=targets, value=value):
            return targets, value
        case ast.AnnAssign(target=target, value=value):
            return [target], value
    return [], None


def _statements(body: Iterable[ast.stmt], inside: str) -> Iterator[tuple[ast.stmt, str]]:
    """Yield the statements that run when a module is imported, with the name of the class they stand in."""
    for statement in body:
        yield statement, inside
        if isinstance(statement, ast.ClassDef):
            yield from _statements(statement.body, statement.name)
        elif isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
            for block in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(statement, block, ()), inside)
            for handler in getattr(statement, "handlers", ()):
                yield from _statements(handler.body, inside)

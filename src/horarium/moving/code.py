"""What a project's code does with Celery besides importing and setting it: options, parts of an app, texts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from horarium.app.app import Horarium
from horarium.app.definition import Definition
from horarium.app.producer import OPTIONS
from horarium.dropin_names import MODULES, home_of, why_without
from horarium.moving.django_apps import app_entries
from horarium.moving.report import Found, Kind
from horarium.moving.source import UNKNOWN, Source, literal

_DECLARED = Definition.OPTIONS | {"name", "bind", "base", "run"}
_FORMATS = frozenset({"serializer", "result_serializer", "compression"})
_APPS_PARTS = (
    "Beat WorkController Worker amqp backend config_from_cmdline connection connection_for_read connection_for_write "
    "connection_or_acquire events fixups loader log pool producer_or_acquire producer_pool select_queues "
    "setup_security start steps user_options worker_main"
)
_WITHOUT_PARTS = frozenset(name for name in _APPS_PARTS.split() if not hasattr(Horarium, name))
_NAMED = re.compile(r"(?:celery|kombu|billiard|django_celery_beat|django_celery_results|redbeat)(?:[.:]\w+)+")
_DJANGO_APPS = frozenset({"django_celery_beat", "django_celery_results"})
_LOGGERS = frozenset("celery celery.task celery.worker celery.beat celery.redirected celery.app.trace".split())
_RETRIES = frozenset("autoretry_for retry_for retry_backoff".split())


def find_in_code(source: Source) -> list[Found]:
    """Return what the code of a file does that works otherwise here, or not at all."""
    found = list(_declarations(source))
    for node in source.nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr="apply_async" | "send_task" | "signature" | "retry")):
                found += _calls(source, node)
            case ast.Call(func=ast.Attribute(attr="is_installed"), args=[ast.Constant(value=str(name))]) if (
                name in _DJANGO_APPS
            ):
                advice = f"its label is the same, its name is another one: write {home_of(name)!r}"
                found.append(_by_hand(source, node, "part", f"is_installed({name!r})", advice))
            case ast.Attribute(attr=name, value=value) if name in _WITHOUT_PARTS and source.is_app(value):
                what = f"app.{name}"
                found.append(_by_hand(source, node, "part", what, "an app has no such part here; see what differs"))
    found += _texts(source)
    return found


def _declarations(source: Source) -> Iterator[Found]:
    for node in source.nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            if not isinstance(decorator, ast.Call) or not _declares(source, decorator.func):
                continue
            for keyword in decorator.keywords:
                yield from _declared(source, keyword)
            names = {keyword.arg for keyword in decorator.keywords}
            if "max_retries" in names and not names & _RETRIES and not _calls_retry(node):
                yield Found(
                    source.path,
                    decorator.lineno,
                    "option",
                    f"{node.name}: max_retries",
                    "note",
                    "max_retries alone retries nothing, as in Celery: raise self.retry(...), or give autoretry_for",
                )


def _declares(source: Source, function: ast.expr) -> bool:
    if source.origin(function).rpartition(".")[2] == "shared_task":
        return True
    return isinstance(function, ast.Attribute) and function.attr == "task" and source.is_app(function.value)


def _declared(source: Source, keyword: ast.keyword) -> Iterator[Found]:
    name, value = keyword.arg, literal(keyword.value)
    if name in _FORMATS:
        yield from _format(source, keyword)
    elif name is not None and name not in _DECLARED:
        what = f"{name}={_short(keyword.value)}"
        yield _by_hand(source, keyword.value, "option", what, "a task has no such option here: remove it")
    elif name == "acks_late" and value is False:
        advice = "at most once, as you say; without it a task whose process dies would run again"
        yield Found(source.path, keyword.value.lineno, "option", "acks_late=False", "note", advice)


def _calls(source: Source, call: ast.Call) -> Iterator[Found]:
    function = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    for keyword in call.keywords:
        if keyword.arg in _FORMATS:
            yield from _format(source, keyword)
        elif keyword.arg == "eta" and _is_local_and_naive(source, keyword.value):
            advice = "a naive eta is read as UTC, here as in Celery: give it a zone, or use countdown"
            yield Found(source.path, keyword.value.lineno, "option", f"eta={_short(keyword.value)}", "note", advice)
        elif function == "apply_async" and keyword.arg is not None and keyword.arg not in OPTIONS | {"args", "kwargs"}:
            what = f"apply_async({keyword.arg}=...)"
            yield _by_hand(source, keyword.value, "option", what, "a call has no such option here: remove it")


def _format(source: Source, keyword: ast.keyword) -> Iterator[Found]:
    value = literal(keyword.value)
    if value in ("json", None):
        return
    what = f"{keyword.arg}={_short(keyword.value)}"
    if keyword.arg == "compression":
        yield _by_hand(source, keyword.value, "content", what, "messages are not compressed: remove it")
    elif value is UNKNOWN:
        yield Found(source.path, keyword.value.lineno, "content", what, "note", "whatever it is, it must be 'json'")
    else:
        advice = "arguments and results are JSON and nothing else: pass ids and plain values, and remove it"
        yield _by_hand(source, keyword.value, "content", what, advice)


def _texts(source: Source) -> Iterator[Found]:
    """Yield the texts that name a module of Celery's, such as those for a mock or a logger."""
    loggers = _arguments_of_get_logger(source)
    inside = {id(part) for node in source.nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    inside |= {id(entry) for entry in app_entries(source)}  # rewritten, see django_apps
    for node in source.nodes:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in inside:
            continue
        text = node.value
        if id(node) in loggers or text in _LOGGERS - {"celery"}:
            advice = "Horarium's loggers are horarium.worker and horarium.beat; those of your own modules stay"
            if text in _LOGGERS:
                yield Found(source.path, node.lineno, "text", f"logger {text!r}", "note", advice)
        elif _NAMED.fullmatch(text) and not _is_scheduler(text):
            yield _by_hand(source, node, "text", repr(text), _place_of(text))


def _place_of(dotted: str) -> str:
    """Return where the object is that a text names: for mocks, class paths and the like."""
    parts = dotted.replace(":", ".").split(".")
    for cut in range(len(parts), 0, -1):
        module, rest = ".".join(parts[:cut]), parts[cut:]
        if module in MODULES and (home := home_of(module, rest[0] if rest else "")):
            return f"write {'.'.join([home, *rest])!r}"
    return why_without(".".join(parts))


def _is_scheduler(text: str) -> bool:
    return "scheduler" in text.lower()  # a value of beat_scheduler, which is judged as a setting


def _arguments_of_get_logger(source: Source) -> set[int]:
    return {
        id(node.args[0])
        for node in source.nodes
        if isinstance(node, ast.Call) and node.args and source.called(node) in ("getLogger", "get_logger")
    }


def _calls_retry(function: ast.AST) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == "retry" for node in ast.walk(function))


def _is_local_and_naive(source: Source, node: ast.expr) -> bool:
    for one in ast.walk(node):
        if isinstance(one, ast.Call) and not one.args and not one.keywords:
            name = source.origin(one.func)
            if name.endswith(("datetime.now", "datetime.today")) and "timezone" not in name:
                return True
    return False


def _by_hand(source: Source, node: ast.expr, kind: Kind, what: str, advice: str) -> Found:
    return Found(source.path, node.lineno, kind, what, "by hand", advice)


def _short(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:59]}…"

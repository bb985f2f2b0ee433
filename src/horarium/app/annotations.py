"""``task_annotations``: options of tasks that are chosen in the settings instead of where they are declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType, MethodType
from typing import Any

from horarium.app.definition import Definition
from horarium.errors import ImproperlyConfigured

EVERY = "*"


def annotate(task: Definition, annotations: Any) -> None:
    """Give a task what the annotations say of it: those of every task first, so that those by its name win.

    A function becomes a method; a key with ``@`` before it wraps the method of that name. Idempotent for the same
    annotations. Raises: ImproperlyConfigured for an option that is wrong.
    """
    if annotations is None or task.annotated_by is annotations:
        return
    task.annotated_by = annotations
    listed = [_imported(one) for one in (annotations if isinstance(annotations, list | tuple) else [annotations])]
    for look in (_of_every_task, _of_this_task):
        chosen = next((found for one in listed if (found := look(one, task))), None)
        for option, value in (chosen or {}).items():
            _give(task, option, value)
    task.check_options()


def _of_every_task(annotation: Any, task: Definition) -> Mapping[str, Any] | None:
    if isinstance(annotation, Mapping):
        found: Mapping[str, Any] | None = annotation.get(EVERY)
        return found
    ask = getattr(annotation, "annotate_any", None)
    return ask() if ask is not None else None


def _of_this_task(annotation: Any, task: Definition) -> Mapping[str, Any] | None:
    if isinstance(annotation, Mapping):
        found: Mapping[str, Any] | None = annotation.get(task.name)
        return found
    ask = getattr(annotation, "annotate", None)
    return ask(task) if ask is not None else None


def _give(task: Definition, option: str, value: Any) -> None:
    if option.startswith("@"):
        method = option.removeprefix("@")
        value = _wrapped(task, method, value)
        option = method
    elif isinstance(value, FunctionType):
        value = MethodType(value, task)
    setattr(task, option, value)


def _wrapped(task: Definition, method: str, wrap: Callable[[Any], Any]) -> Any:
    if method.startswith("__") or not callable(getattr(type(task), method, None)):
        raise ImproperlyConfigured(
            f"task_annotations: expected a method of {task.name} to wrap, got {'@' + method!r}; write '@run' to wrap "
            "what the task does"
        )
    return MethodType(wrap(getattr(type(task), method)), task)


def _imported(annotation: Any) -> Any:
    """Return an annotation by its dotted path, an instance of it if it is a class."""
    if not isinstance(annotation, str):
        return annotation
    from importlib import import_module

    module, _, name = annotation.replace(":", ".").rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ImproperlyConfigured(
            f"task_annotations: expected the dotted path of a class or dict, got {annotation!r} ({error}); mend "
            "the path"
        ) from error
    return found() if isinstance(found, type) else found

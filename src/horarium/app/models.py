"""Arguments and return values of tasks with ``pydantic=True``: by pydantic's rules, strictness and context.

pydantic is the user's to install; it is asked only through the models' own methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, get_args

from horarium import codec
from horarium.errors import DecodingError


class Declared(Protocol):
    """A task, as far as its models are concerned."""

    name: str
    app: Any
    pydantic_strict: bool | None
    pydantic_context: Mapping[str, Any] | None
    pydantic_dump_kwargs: Mapping[str, Any] | None


def validated(task: Declared, value: Any, hint: Any, path: str) -> Any:
    """Return an argument as its type hint asks for: a model if it is one, else as for any task.

    Raises: DecodingError with what pydantic says.
    """
    model = _model_of(hint)
    if model is None:
        return codec.convert(value, hint, path=path)
    if value is None and hint is not model:
        return None
    context = {"celery_app": task.app, "celery_task_name": task.name, **(task.pydantic_context or {})}
    try:
        return model.model_validate(value, strict=task.pydantic_strict, context=context)
    except ValueError as error:
        raise DecodingError(f"expected {path} to be a {model.__name__}, got what it refuses: {error}") from error


def dumped(task: Declared, value: Any) -> Any:
    """Return a value that a task returned as it is to be kept: a model as the dict that it makes of itself."""
    if not hasattr(value, "model_dump"):
        return value
    return value.model_dump(**{"mode": "json", **(task.pydantic_dump_kwargs or {})})


def _model_of(hint: Any) -> Any:
    """Return the model that a hint names: the class itself, or the only one of a union with None."""
    if isinstance(hint, type) and hasattr(hint, "model_validate"):
        return hint
    models = [each for each in get_args(hint) if each is not type(None)]
    return _model_of(models[0]) if len(models) == 1 and type(None) in get_args(hint) else None

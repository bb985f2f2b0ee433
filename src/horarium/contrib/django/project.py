"""Finds the app of a Django project: where its settings say, where projects keep it, or the one that was made."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.conf import settings

from horarium.app import current
from horarium.app.app import Horarium
from horarium.errors import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTING = "HORARIUM_APP"
MODULES = ("celery", "horarium", "celery_app", "celeryapp", "tasks")  # of the package that has the settings
ATTRIBUTES = ("app", "celery", "celery_app")


def app_path() -> str:
    """Return where the project's app is, as ``-A`` takes it: ``module:attribute``.

    Raises: ImproperlyConfigured when there is none, saying where it was looked for; what the project's modules raise.
    """
    chosen = getattr(settings, SETTING, None)
    if chosen is not None:
        return str(chosen)
    tried = []
    for module in _candidates():
        tried.append(module)
        if find_spec(module) is not None and (path := _app_in(import_module(module))):
            return path
    app = current.find_current_app()
    path = next((found for module in list(sys.modules.values()) if (found := _path_of(app, module))), None)
    if app is not None and path is not None:
        return path
    raise ImproperlyConfigured(
        f"expected an app in this Django project, found none in {', '.join(tried) or 'any module'}; make one in "
        f"{_root() or 'the project'}/celery.py (app = Horarium(...)), or name it: {SETTING} = 'module:attribute'"
    )


def project_app() -> Horarium:
    """Return the project's app. Raises: as app_path; ImproperlyConfigured when the setting names none."""
    path = app_path()
    name, _, attribute = path.partition(":")
    try:
        module = import_module(name)
        found: Any = getattr(module, attribute) if attribute else None
    except (ImportError, AttributeError) as error:
        raise ImproperlyConfigured(f"expected {SETTING} to name an app, got {path!r} ({error}); correct it") from error
    if not attribute:
        inner = _app_in(module)
        found = getattr(import_module(inner.partition(":")[0]), inner.partition(":")[2]) if inner else None
    if not isinstance(found, Horarium):
        raise ImproperlyConfigured(f"expected {SETTING} to name an app, got {path!r}, which is none; correct it")
    return found


def _candidates() -> Iterator[str]:
    root = _root()
    if root:
        yield from (f"{root}.{name}" for name in MODULES)
        yield root


def _root() -> str:
    """Return the package that has the settings: ``config`` for ``config.settings.base``; "" for a lone module."""
    module = os.environ.get("DJANGO_SETTINGS_MODULE") or getattr(settings, "SETTINGS_MODULE", None) or ""
    return module.partition(".")[0] if "." in module else ""


def _app_in(module: ModuleType) -> str | None:
    for attribute in ATTRIBUTES:
        if isinstance(vars(module).get(attribute), Horarium):
            return f"{module.__name__}:{attribute}"
    return None


def _path_of(app: Any, module: ModuleType) -> str | None:
    if app is None or not isinstance(module, ModuleType):
        return None
    name = next((name for name, value in list(vars(module).items()) if value is app), None)
    return f"{module.__name__}:{name}" if name is not None else None

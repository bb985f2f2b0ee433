"""Fixups: what a framework makes of an app that lives in it. Found by path, for frameworks are above this floor."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from horarium.app import environment
from horarium.errors import ImproperlyConfigured

if TYPE_CHECKING:
    from horarium.app.app import Horarium

# The variable of the environment that says that a process is a framework's, and what that makes of an app.
OF_FRAMEWORKS = {"DJANGO_SETTINGS_MODULE": "horarium.contrib.django.fixup:fixup"}


def fix(app: Horarium, paths: Iterable[str] | None = None) -> None:
    """Call the functions at these paths with the app; without paths, those of the frameworks that this process is in.

    Raises: ImproperlyConfigured for a path that leads nowhere.
    """
    if paths is None:
        paths = [path for variable, path in OF_FRAMEWORKS.items() if environment.variable(variable)]
    for path in paths:
        module, _, name = path.partition(":")
        try:
            function = getattr(import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ImproperlyConfigured(
                f"expected fixups to be paths such as 'module:function', got {path!r} ({error}); correct it"
            ) from error
        function(app)

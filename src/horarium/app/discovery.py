"""Finding tasks: ``<package>.tasks`` of each package of a list, of a function's answer, or of Django's apps."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable
from types import ModuleType

from horarium.app import environment

Packages = Iterable[str] | Callable[[], Iterable[str]] | None


def discover(packages: Packages, related_name: str | None) -> list[ModuleType]:
    """Import the related module of each package that has one; return those.

    Without packages: Django's INSTALLED_APPS, if there is a Django project, else none. Without a related name: the
    packages themselves. Raises: ImportError for a package that is not there, and whatever the modules raise.
    """
    named = packages() if callable(packages) else packages
    found = [_related_module(package, related_name) for package in named or _django_packages()]
    return [module for module in found if module is not None]


def _related_module(package: str, related_name: str | None) -> ModuleType | None:
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        # INSTALLED_APPS may name a class: shop.apps.ShopConfig belongs to shop.apps, and that to shop.
        holder, _, last = package.rpartition(".")
        if not holder or error.name != package or not last[:1].isupper():
            raise
        package = holder.removesuffix(".apps")
        module = importlib.import_module(package)
    if not related_name:
        return module
    name = f"{package}.{related_name}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise  # the module is there, and misses another one
        return None


def _django_packages() -> list[str]:
    if environment.variable("DJANGO_SETTINGS_MODULE") is None or importlib.util.find_spec("django") is None:
        return []
    django, registry = importlib.import_module("django"), importlib.import_module("django.apps")
    if not registry.apps.ready:
        django.setup()
    return [config.name for config in registry.apps.get_app_configs()]

"""A module by Celery's name whose attributes are Horarium's, looked up when they are asked for."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from horarium.dropin.names import sources_of, submodules_of
from horarium.dropin_names import why_without


class Facade(ModuleType):
    """Stands for one of Celery's modules. Each is a package in the eyes of the import system, so that ``from
    celery.result import Nonsense`` asks the finder too, whose error says more than the interpreter's would."""

    __path__: list[str]

    def __getattr__(self, name: str) -> Any:  # Any: whatever the name stands for
        if name == "__all__":
            return [each for each in self._names() if not each.startswith("_")]
        for module, names in self._homes():
            if _has(module, names, name):
                value = self.__dict__[name] = getattr(module, name)
                return value
        if name in self._submodules():
            return import_module(f"{self.__name__}.{name}")
        raise AttributeError(self._missing(name), name=name, obj=self)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._names()})

    def __repr__(self) -> str:
        return f"<module {self.__name__!r} of Horarium's drop-in mode>"

    def _homes(self) -> Iterator[tuple[ModuleType, frozenset[str] | None]]:
        for source, names in sources_of(self.__name__):
            if is_there(source):
                yield import_module(source), names

    def _names(self) -> list[str]:
        found = {
            name
            for module, names in self._homes()
            for name in (names or getattr(module, "__all__", None) or vars(module))
            if _has(module, names, name)
        }
        return sorted({*found, *self._submodules()})

    def _submodules(self) -> list[str]:
        return [name for name in submodules_of(self.__name__) if has_source(f"{self.__name__}.{name}")]

    def _missing(self, name: str) -> str:
        return missing(f"{self.__name__}.{name}", self._names())


def missing(name: str, known: list[str]) -> str:
    """Return what is said of a name of Celery's that there is not here."""
    near = difflib.get_close_matches(name.rpartition(".")[2], known, n=1, cutoff=0.75)
    meant = f"did you mean {near[0]!r}? " if near else ""
    homes = [source for source, _ in sources_of(name)]
    why = f"{' and '.join(homes)} came later than this version of Horarium" if homes else why_without(name)
    return f"expected a module or name of Celery's that Horarium has too, got {name!r} (drop-in mode); {meant}{why}"


def has_source(module: str) -> bool:
    """Whether something of ours stands for this module of Celery's, or for one below it, in this version."""
    sources = [source for source, _ in sources_of(module)]
    return not sources or any(is_there(source) for source in sources)


def is_there(module: str) -> bool:
    """Whether this version has a module of ours."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _has(module: ModuleType, names: frozenset[str] | None, name: str) -> bool:
    if names is not None:
        return name in names and hasattr(module, name)
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return name in listed
    return not name.startswith("_") and hasattr(module, name)

"""What the import system asks in drop-in mode: celery is ours, kombu and billiard only where there is no other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from horarium.dropin.facade import Facade, has_source, missing
from horarium.dropin.names import ALWAYS_OURS, OURS_IF_ALONE, is_known


class Finder(MetaPathFinder, Loader):
    """Finds celery and what is below it, and makes a facade of each."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module of Celery's that we have; None for what is none of ours to find.

        Raises: ModuleNotFoundError, saying what to do, for one that we do not have: nobody else has it either.
        """
        root, _, below = fullname.partition(".")
        if root not in ALWAYS_OURS and root not in OURS_IF_ALONE:
            return None
        parent = sys.modules.get(fullname.rpartition(".")[0])
        if below and not isinstance(parent, Facade):
            return None  # below a real kombu
        if not below and root in OURS_IF_ALONE and other_origin(root) is not None:
            return None
        if not is_known(fullname) or not has_source(fullname):
            raise _absent(fullname, dir(parent))
        return ModuleSpec(fullname, self, origin="Horarium's drop-in mode", is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Facade(spec.name, f"{spec.name} in Horarium's drop-in mode")

    def exec_module(self, module: ModuleType) -> None:
        """A facade is filled when it is asked."""


def other_origin(root: str) -> str | None:
    """Return where another finder has this top-level module; None if it is not installed."""
    for finder in list(sys.meta_path):  # a copy: the one of horarium-dropin goes away when it is asked
        if isinstance(finder, Finder) or not hasattr(finder, "find_spec"):
            continue
        spec = finder.find_spec(root, None)
        if spec is not None and not isinstance(spec.loader, Finder):
            return spec.origin or str(spec.submodule_search_locations)
    return None


def _absent(fullname: str, known: list[str]) -> ModuleNotFoundError:
    # Without ``name``, which tells the import system to say something of its own instead.
    return ModuleNotFoundError(missing(fullname, known))

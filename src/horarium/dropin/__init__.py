"""Drop-in mode: ``import celery`` brings Horarium, so that a program written for Celery runs unchanged.

``install()`` before anything imports celery, or ``HORARIUM_DROPIN=1`` with the package horarium-dropin; nothing is
imported here before somebody imports celery.
"""

from __future__ import annotations

import sys

from horarium.dropin.facade import Facade
from horarium.dropin.finder import Finder, other_origin
from horarium.errors import ImproperlyConfigured

__all__ = ["install", "installed_celery", "is_installed", "uninstall"]

_finder = Finder()  # one for the process; in sys.meta_path while drop-in mode is on


def install() -> None:
    """Let ``import celery`` and what is below it bring Horarium from now on, in this process. Idempotent.

    Where kombu is not installed, the few names of it that programs use next to celery come from here too.
    Raises: ImproperlyConfigured where the real celery is imported already.
    """
    loaded = sys.modules.get("celery")
    if loaded is not None and not isinstance(loaded, Facade):
        raise ImproperlyConfigured(
            f"expected drop-in mode to begin before celery is imported, got celery "
            f"{getattr(loaded, '__version__', '')} from {getattr(loaded, '__file__', None)}; call "
            "horarium.dropin.install() first, or set HORARIUM_DROPIN=1 with horarium-dropin installed, or uninstall "
            "celery"
        )
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """End drop-in mode in this process: for tests. What has been imported from it stays with those who have it."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    for name in [name for name, module in sys.modules.items() if isinstance(module, Facade)]:
        del sys.modules[name]


def is_installed() -> bool:
    """Whether drop-in mode is on in this process."""
    return _finder in sys.meta_path


def installed_celery() -> str | None:
    """Return where the real celery is installed, which drop-in mode hides; None if it is not."""
    return other_origin("celery")

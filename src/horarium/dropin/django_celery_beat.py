"""``django_celery_beat`` itself: which version of it we speak for."""

from __future__ import annotations

from horarium.dropin.top import version_info_t
from horarium.version import __version__ as _OURS

__all__ = ["VERSION", "__version__", "version_info"]

VERSION = version_info = version_info_t(2, 9, 0, "", "")
__version__ = f"2.9.0+horarium.{_OURS}"

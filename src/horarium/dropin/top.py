"""What stands in ``celery`` itself besides the names that ``horarium`` has too."""

from __future__ import annotations

from typing import NamedTuple

from horarium.app.app import Celery, shared_task
from horarium.app.stand_in import current_app, current_task
from horarium.app.task import Task
from horarium.dropin.tools import uuid
from horarium.version import __version__ as _OURS

__all__ = [
    "Celery",
    "Task",
    "VERSION",
    "VERSION_BANNER",
    "__version__",
    "current_app",
    "current_task",
    "shared_task",
    "uuid",
    "version_info",
    "version_info_t",
]


class version_info_t(NamedTuple):
    """A version in parts."""

    major: int
    minor: int
    micro: int
    releaselevel: str
    serial: str


# The Celery whose words we have: what programs compare with. The part after the plus tells them apart.
VERSION = version_info = version_info_t(5, 7, 0, "", "")
__version__ = f"5.7.0+horarium.{_OURS}"
VERSION_BANNER = f"{__version__} (Horarium's drop-in mode)"

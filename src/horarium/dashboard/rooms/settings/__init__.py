"""What each person may choose for themselves, who may come in, what was changed, and what this is."""

from horarium.dashboard.rooms.settings import about, audit_log, entrance, me
from horarium.dashboard.rooms.settings.shelf import room

__all__ = ["about", "audit_log", "entrance", "me", "room"]

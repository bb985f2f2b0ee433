"""The room itself, and the tabs that its pages share."""

from __future__ import annotations

from horarium.dashboard.person import Role
from horarium.dashboard.room import Room

room = Room("settings")

TABS = (
    ("/settings", "Me", Role.VIEWER),
    ("/settings/access", "Access", Role.VIEWER),
    ("/settings/keeping", "Keeping and hiding", Role.VIEWER),
    ("/settings/audit", "Audit log", Role.ADMIN),
    ("/settings/about", "About", Role.VIEWER),
)

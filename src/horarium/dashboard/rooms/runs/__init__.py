"""What ran, runs and waits: lists by a question, one run, and acting on many."""

from horarium.dashboard.rooms.runs import acting, calling, exporting, grouped, many, views  # noqa: F401  # each adds its routes
from horarium.dashboard.rooms.runs.place import room

# Last: their paths take any name.
from horarium.dashboard.rooms.runs import listing, one  # noqa: F401  # isort: skip

__all__ = ["room"]

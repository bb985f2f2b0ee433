"""The examples are programs of their own: they are imported from their own folder, as their users do."""

from __future__ import annotations

import sys
from pathlib import Path

EVENTS = Path(__file__).parents[2] / "examples" / "events"

sys.path.insert(0, str(EVENTS))

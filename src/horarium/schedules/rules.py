"""What besides the spec decides when a schedule fires."""

from __future__ import annotations

from typing import NamedTuple

from horarium.clock import Instant
from horarium.schedules.record import DstFold, DstGap

__all__ = ["DstFold", "DstGap", "Rules"]


class Rules(NamedTuple):
    """The zone, where intervals count from, and what clock changes do (S3, S4)."""

    zone: str = "UTC"
    anchor: Instant = 0
    dst_gap: DstGap = "shift"
    dst_fold: DstFold = "first"

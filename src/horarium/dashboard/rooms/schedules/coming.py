"""Firings to come, as pages show them: in the viewer's zone and in the schedule's own, with what clock changes do."""

from __future__ import annotations

from msgspec import Struct

from horarium.clock import Instant
from horarium.observe.moments import local, utc
from horarium.schedules.preview import Expected


class Coming(Struct, frozen=True, kw_only=True):
    """A firing to come: the instant, and the same in the schedule's own zone."""

    at: Instant
    there: str
    utc: str
    remark: str


def coming(each: Expected, zone: str) -> Coming:
    """Return a firing to come as it is shown."""
    return Coming(at=each.at, there=local(each.at, zone), utc=utc(each.at), remark=each.remark)

"""One instant, once."""

from __future__ import annotations

from datetime import datetime

from horarium.clock import LATEST, Instant, to_datetime, to_instant
from horarium.errors import InvalidSchedule
from horarium.schedules.recurrence import Recurrence


class clocked(Recurrence):
    """Fire once, at an instant: an aware datetime, a naive one (read as UTC), or UTC milliseconds.

    One that has passed when the schedule is made is treated as missed: fired late, within the catch-up window.
    ``nowfun`` and ``app`` are accepted for Celery's sake and change nothing. Immutable, hashable.
    Raises: InvalidSchedule when it is not an instant from 1970 to 9998.
    """

    __slots__ = ("instant",)

    instant: Instant

    def __init__(self, clocked_time: datetime | Instant, *, nowfun: object = None, app: object = None) -> None:
        moment = to_instant(clocked_time) if isinstance(clocked_time, datetime) else clocked_time
        if isinstance(moment, bool) or not isinstance(moment, int) or not 0 <= moment <= LATEST:
            raise InvalidSchedule(
                f"expected a datetime or UTC milliseconds from 1970 to 9998, got {str(clocked_time)[:60]!r}; write for "
                "instance clocked(datetime(2026, 12, 24, 18, tzinfo=ZoneInfo('Europe/Berlin')))"
            )
        self._keep(instant=moment)
        self._equal_by(moment)

    @property
    def clocked_time(self) -> datetime:
        """The instant as an aware datetime, by the name that Celery gives it."""
        return to_datetime(self.instant)

    def __reduce__(self) -> tuple[type[clocked], tuple[Instant]]:
        return clocked, (self.instant,)

    def __repr__(self) -> str:
        return f"clocked({self.clocked_time.isoformat()})"

"""A crontab that says in which zone it is meant, by the name that django-celery-beat's users know."""

from __future__ import annotations

from datetime import UTC, tzinfo

from horarium.schedules import crontab
from horarium.schedules.language import FieldValue


class TzAwareCrontab(crontab):
    """A crontab in the zone ``tz``: in an entry of a schedule, as if the entry had ``timezone=tz`` besides.

    Equal to another one of the same fields and the same zone. Raises: InvalidSchedule, as a crontab does.
    """

    __slots__ = ("tz",)

    tz: tzinfo

    def __init__(
        self,
        minute: FieldValue = "*",
        hour: FieldValue = "*",
        day_of_week: FieldValue = "*",
        day_of_month: FieldValue = "*",
        month_of_year: FieldValue = "*",
        tz: tzinfo = UTC,
        app: object = None,
    ) -> None:
        super().__init__(minute, hour, day_of_week, day_of_month, month_of_year)
        self._keep(tz=tz)
        self._equal_by(*self._key, str(tz))

    def __reduce__(self) -> tuple[type[TzAwareCrontab], tuple[object, ...]]:  # type: ignore[override]  # with a zone
        return TzAwareCrontab, (*self.fields().values(), self.tz)

    def __repr__(self) -> str:
        given = [f"{name}={text!r}" for name, text in self.fields().items() if text != "*"]
        return f"TzAwareCrontab({', '.join([*given, f'tz={str(self.tz)!r}'])})"

"""Dawn, sunrise, noon, sunset and dusk at a place on earth.

The sun's course is computed by ephem (the extra ``horarium[solar]``), imported when it is first needed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from typing import Any

from horarium.errors import InvalidSchedule, MissingExtra
from horarium.schedules.language import nearest_of, shown
from horarium.schedules.recurrence import Recurrence

# The height of the sun's centre, in degrees. At sunrise the upper limb is seen at the horizon: half the disc (16') and
# what the air bends (34').
_DISC = "-0:34"
_RISING = {"dawn_astronomical": "-18", "dawn_nautical": "-12", "dawn_civil": "-6", "sunrise": _DISC}
_SETTING = {"sunset": _DISC, "dusk_civil": "-6", "dusk_nautical": "-12", "dusk_astronomical": "-18"}
EVENTS = (*_RISING, "solar_noon", *_SETTING)

# The sky is looked at by halves of UTC days: two equal events are never in one half, so each has a place of its own
# and the answer does not depend on where a search begins.
_HALF = 43_200
SILENCE = int(10 * 365.25 * 86_400)  # nothing in ten years: nothing at all


class solar(Recurrence):
    """Fire at an event of the sun at a place, each day on which it happens.

    ``event``: dawn_astronomical, dawn_nautical, dawn_civil, sunrise, solar_noon, sunset, dusk_civil, dusk_nautical or
    dusk_astronomical. ``lat``: degrees north, ``lon``: degrees east. Days without the event (polar day and night) are
    passed over. Given to the second. Needs the extra ``horarium[solar]`` where it is computed. ``nowfun`` and
    ``app`` are accepted for Celery's sake and change nothing. Immutable, hashable.
    Raises: InvalidSchedule when the event is unknown or the place is none.
    """

    __slots__ = ("event", "lat", "lon")

    event: str
    lat: float
    lon: float

    def __init__(self, event: str, lat: float, lon: float, *, nowfun: object = None, app: object = None) -> None:
        if event not in EVENTS:
            raise InvalidSchedule(
                f"expected an event of the sun, got {shown(event)}{nearest_of(event, EVENTS)}; known are "
                f"{', '.join(EVENTS)}"
            )
        self._keep(event=event, lat=_degrees("lat", lat, 90), lon=_degrees("lon", lon, 180))
        self._equal_by(self.event, self.lat, self.lon)

    def __reduce__(self) -> tuple[type[solar], tuple[str, float, float]]:
        return solar, (self.event, self.lat, self.lon)

    def __repr__(self) -> str:
        return f"solar({self.event!r}, {self.lat!r}, {self.lon!r})"


def next_event(spec: solar, after: int) -> int | None:
    """Return the first second later than ``after`` at which the event happens; None if it does not in ten years.

    Raises: MissingExtra when ephem is not installed.
    """
    for half in count(after // _HALF):
        found = _event_in(spec, half)
        if found is not None and found > after:
            return found
        if half * _HALF - after > SILENCE:
            return None
    raise AssertionError("count() ends")


@lru_cache(maxsize=16_384)
def _event_in(spec: solar, half: int) -> int | None:
    """Return the second of the event in a half of a UTC day; None if it does not happen there."""
    ephem = _ephem()
    start = half * _HALF
    observer = ephem.Observer()
    observer.lat, observer.lon = str(spec.lat), str(spec.lon)
    observer.pressure = 0  # what the air bends is in the horizon
    observer.date = datetime.fromtimestamp(start, UTC).replace(tzinfo=None)
    sun = ephem.Sun()
    try:
        if spec.event in _RISING:
            observer.horizon = _RISING[spec.event]
            found = observer.next_rising(sun, use_center=_RISING[spec.event] != _DISC)
        elif spec.event in _SETTING:
            observer.horizon = _SETTING[spec.event]
            found = observer.next_setting(sun, use_center=_SETTING[spec.event] != _DISC)
        else:
            found = observer.next_transit(sun)
    except (ephem.AlwaysUpError, ephem.NeverUpError):
        return None
    second = round(found.datetime().replace(tzinfo=UTC).timestamp())
    return second if start <= second < start + _HALF else None


def _ephem() -> Any:  # ephem has no types
    try:
        import ephem
    except ImportError as error:
        raise MissingExtra("solar", "solar schedules", error) from error
    return ephem


def _degrees(name: str, value: object, most: int) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -most <= value <= most:
        raise InvalidSchedule(
            f"expected {name} in degrees from -{most} to {most}, got {shown(value)}; write for instance "
            "solar('sunset', lat=52.52, lon=13.40)"
        )
    return float(value) + 0.0  # no negative zero

"""The sun. Expected times are from the almanac of the US Naval Observatory and NOAA's calculator, to the minute."""

from __future__ import annotations

import builtins
import math
import pickle
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import ephem
import pytest

from horarium.clock import to_datetime, to_instant
from horarium.errors import InvalidSchedule, MissingExtra
from horarium.schedules import dates, solar
from horarium.schedules import solar as solar_kind
from horarium.schedules.next import Rules, count_fires, fires_between, latest_fire, next_fire
from horarium.schedules.policy import create
from horarium.schedules.record import Schedule
from horarium.schedules.solar import EVENTS, _event_in
from horarium.schedules.specs import to_record

DAY = 86_400_000
GREENWICH = (51.4769, 0.0)
LONGYEARBYEN = (78.22, 15.65)
LOOK = 120  # seconds


def after(spec: solar_kind, *when: int) -> datetime:
    found = next_fire(spec, to_instant(datetime(*when)), zone="UTC", anchor=0)
    assert found is not None
    return to_datetime(found)


@pytest.mark.parametrize(
    ("event", "expected"),
    [("sunrise", (3, 43)), ("sunset", (20, 21)), ("solar_noon", (12, 2))],
)
def test_the_longest_day_at_greenwich(event: str, expected: tuple[int, int]) -> None:
    """Row 82."""
    found = after(solar(event, *GREENWICH), 2026, 6, 21)
    assert abs(found - datetime(2026, 6, 21, *expected, tzinfo=UTC)) <= timedelta(minutes=1)


def test_the_events_of_a_day_come_in_their_order() -> None:
    found = [after(solar(event, 40.7, -74.0), 2026, 3, 20, 6) for event in EVENTS]
    assert found == sorted(found)
    assert found[-1] - found[0] < timedelta(hours=16)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(("lat", "lon"), [(40.7, -74.0), (-33.9, 151.2), (0.0, 180.0), (47.0, -18.0)])
def test_an_event_happens_once_a_day_wherever_a_search_begins(event: str, lat: float, lon: float) -> None:
    spec, start = solar(event, lat, lon), to_instant(datetime(2026, 9, 1))
    found = list(fires_between(spec, start, start + 60 * DAY, Rules()))
    assert len(found) in (59, 60, 61)
    assert all(timedelta(hours=23) < to_datetime(b) - to_datetime(a) < timedelta(hours=25) for a, b in pairwise(found))
    for one, other in pairwise(found):
        for between in (one, one + 1, (one + other) // 2, other - 1):
            assert next_fire(spec, between, zone="UTC", anchor=0) == other
    assert count_fires(spec, start, start + 60 * DAY, Rules()) == len(found)
    assert latest_fire(spec, start, start + 60 * DAY, Rules()) == found[-1]


def test_polar_day_and_night_are_passed_over() -> None:
    spec = solar("sunset", *LONGYEARBYEN)
    start = to_instant(datetime(2026, 1, 1))
    found = [to_datetime(each).date() for each in fires_between(spec, start, start + 365 * DAY, Rules())]
    silences = sorted((b - a, a) for a, b in pairwise(found))[-1:]
    assert silences[0][0] > timedelta(days=100)  # the midnight sun, from April to August
    assert silences[0][1].month == 4
    assert found[0].month == 2  # after the polar night
    assert all(timedelta(hours=20) < b - a for a, b in pairwise(found) if b - a < timedelta(days=2))


@pytest.mark.parametrize(("event", "height", "is_rising"), [("sunrise", -34 / 60, True), ("dusk_civil", -6, False)])
def test_the_edges_of_polar_days_agree_with_a_look_at_the_sun_every_two_minutes(
    event: str, height: float, is_rising: bool
) -> None:
    start = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    expected = crossings(start, start + 365 * 86_400, height, is_rising, of_upper_limb=event == "sunrise")
    spec = solar(event, *LONGYEARBYEN)
    found = [each // 1000 for each in fires_between(spec, start * 1000, (start + 365 * 86_400) * 1000, Rules())]
    assert len(found) == len(expected) > 100
    assert all(abs(one - other) <= LOOK for one, other in zip(found, expected, strict=True))


def crossings(start: int, end: int, height: float, is_rising: bool, *, of_upper_limb: bool) -> list[int]:
    """Return about when the sun passes a height, found by looking at it again and again."""
    observer, sun, found, before = ephem.Observer(), ephem.Sun(), [], None
    observer.lat, observer.lon, observer.pressure = *map(str, LONGYEARBYEN), 0
    for second in range(start, end, LOOK):
        observer.date = datetime.fromtimestamp(second, UTC).replace(tzinfo=None)
        sun.compute(observer)
        is_above = math.degrees(sun.alt + (sun.radius if of_upper_limb else 0)) >= height
        if before is not None and is_above != before and is_above == is_rising:
            found.append(second - LOOK // 2)
        before = is_above
    return found


def test_noon_comes_in_the_polar_night_too() -> None:
    assert after(solar("solar_noon", *LONGYEARBYEN), 2026, 12, 21).date().day == 21


def test_what_does_not_happen_in_ten_years_is_refused_when_it_is_written() -> None:
    spec = solar("dusk_astronomical", 0.0, 0.0)
    wanted = Schedule(id="1", name="sun", task="t", spec=to_record(spec), anchor=0, created=0, changed=0)
    assert create(wanted, now=to_instant(datetime(2026, 6, 1))).next_fire is not None
    never = solar("sunset", 52.0, 13.0) - dates("2026-01-01..2040-01-01")
    wanted = Schedule(id="1", name="sun", task="t", spec=to_record(never), anchor=0, created=0, changed=0)
    with pytest.raises(InvalidSchedule, match="fires within ten years, got sunset at 52,13 - 2026-01-01"):
        create(wanted, now=to_instant(datetime(2026, 6, 1)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("sunries", 52, 13), "got 'sunries'; did you mean 'sunrise'"),
        (("noon", 52, 13), "known are dawn_astronomical, "),
        ((None, 52, 13), "expected an event of the sun"),
        (("sunset", 91, 13), "expected lat in degrees from -90 to 90, got 91"),
        (("sunset", 52, -181), "expected lon in degrees"),
        (("sunset", "52", 13), "expected lat in degrees"),
        (("sunset", float("nan"), 13), "expected lat in degrees"),
        (("sunset", True, 13), "expected lat in degrees"),
    ],
)
def test_an_unknown_event_or_place_is_refused(given: tuple[object, ...], said: str) -> None:
    with pytest.raises(InvalidSchedule, match=said):
        solar(*given)


def test_it_is_a_value_and_takes_what_celery_gives() -> None:
    spec = solar("sunset", -37.81753, 144.96715, nowfun=datetime.now, app=object())
    assert pickle.loads(pickle.dumps(spec)) == spec == eval(repr(spec)) == solar("sunset", lat=-37.81753, lon=144.96715)
    assert len({solar("sunset", 0.0, 13), solar("sunset", -0.0, 13.0)}) == 1
    with pytest.raises(AttributeError):
        spec.lat = 5


def test_a_missing_extra_is_named_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = builtins.__import__

    def without_ephem(name: str, *given: object, **named: object) -> object:
        if name == "ephem":
            raise ImportError("No module named 'ephem'")
        return honest(name, *given, **named)

    _event_in.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without_ephem)
    spec = solar("sunset", 52, 13)  # writing it down needs nothing
    with pytest.raises(MissingExtra, match=r"solar schedules.*pip install 'horarium\[solar\]'"):
        next_fire(spec, 0, zone="UTC", anchor=0)

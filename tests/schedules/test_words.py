"""Specs in words."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from specs_made import crons, crontabs, specs

from horarium.schedules import (
    calendar,
    clocked,
    cron,
    crontab,
    dates,
    every,
    explain,
    public_holidays,
    solar,
)
from horarium.schedules.specs import Spec
from horarium.schedules.words import describe


@given(crontabs)
def test_a_crontabs_description_reads_back_in_file_order(spec: crontab) -> None:
    assert crontab.from_string(describe(spec).removeprefix("crontab ")) == spec


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (crontab(0, 6, "mon"), "crontab 0 6 * * mon"),
        (crontab("0, 30", [1, 2]), "crontab 0,30 1,2 * * *"),
        (cron("0  6 1,L * friL"), "cron 0 6 1,L * friL"),
        (cron("@daily"), "cron @daily"),
        (every(5400), "every 1 h 30 min"),
        (every(0.25), "every 0.25 s"),
        (every(weeks=1, seconds=5), "every 7 d 5 s"),
        (clocked(datetime(2026, 12, 24, 18)), "once at 2026-12-24 18:00:00+00:00"),
        (calendar(at=["09:00", "17:00"]), "every day at 09:00,17:00"),
        (
            calendar(2, "weeks", at="09:00", on="mon,thu", start="2026-01-05"),
            "every 2 weeks on mon,thu at 09:00 from 2026-01-05",
        ),
        (calendar(1, "months", at="09:00", on=[1, "last", "2nd tue"]), "every month on 1,last,2nd tue at 09:00"),
        (solar("sunset", 52.52, 13.4), "sunset at 52.52,13.4"),
        (crontab(0, 6) | every(60), "crontab 0 6 * * * | every 1 min"),
        (crontab(0, 6) - dates("2026-12-24"), "crontab 0 6 * * * - 2026-12-24"),
        (
            (cron("@hourly") | every(60)) - public_holidays("DE", "BY") - dates(("2026-01-01", "2026-12-31")),
            "(cron @hourly | every 1 min) - holidays of DE-BY - 2026-01-01..2026-12-31",
        ),
        (every(60) - dates("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"), "every 1 min - 4 dates"),
    ],
)
def test_a_spec_is_described_in_a_few_words(spec: Spec, text: str) -> None:
    assert describe(spec) == text


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (crontab(0, 6, 1), "At 06:00, only on Monday"),
        (crontab(30, 18, "Monday-fri"), "At 18:30, Monday through Friday"),
        (crontab("*/15"), "Every 15 minutes"),
        (crontab(0, 0, "fri", 13), "At 00:00, on day 13 of the month, only if it is Friday"),
        (crontab(0, 9, {1, 3}, "1-7"), "At 09:00, between day 1 and 7 of the month, only if it is Monday or Wednesday"),
        (cron("0 6 * * 1"), "At 06:00, only on Monday"),
        (cron("@daily"), "At 00:00"),
        (cron("@hourly"), "Every hour"),
        (cron("0 0 13 * 5"), "At 00:00, on day 13 of the month, or on Friday"),
        (cron("0 0 */2 * 5"), "At 00:00, every 2 days, only if it is Friday"),
        (cron("0 0 L * *"), "At 00:00, on the last day of the month"),
        (cron("0 0 * * friL"), "At 00:00, on the last Friday of the month"),
        (cron("0 0 * * mon#2"), "At 00:00, on the second Monday of the month"),
        (
            cron("0 0 1,L * 5L"),
            "At 00:00, on day 1 of the month; or at 00:00, on the last day of the month; or at 00:00, "
            "on the last Friday of the month",
        ),
        (every(60), "Every minute"),
        (every(5400), "Every 1 hour 30 minutes"),
        (every(0.5), "Every 0.5 seconds"),
        (every(days=2), "Every 2 days"),
        (clocked(datetime(2026, 12, 24, 18)), "Once, at 2026-12-24 18:00:00 UTC"),
        (calendar(at=["09:00", "17:00"]), "At 09:00 and 17:00, every day"),
        (
            calendar(2, "weeks", at="09:00", on="thu,mon", start="2026-01-05"),
            "At 09:00, every 2 weeks on Monday and Thursday, from 5 January 2026 on",
        ),
        (
            calendar(1, "months", at="09:00", on=[1, "last", "2nd tue"]),
            "At 09:00, every month on day 1, the last day and the second Tuesday",
        ),
        (
            calendar(1, "years", at="09:00", on="24 dec, 4th thu nov, last feb"),
            "At 09:00, every year on the last day of February, the fourth Thursday of November and 24 December",
        ),
        (solar("dawn_nautical", -33.9, 151.2), "At nautical dawn at 33.9° S, 151.2° E"),
        (solar("solar_noon", 40.7, -74), "At solar noon at 40.7° N, 74° W"),
        (crontab(0, 6) | every(60), "At 06:00; or every minute"),
        (
            crontab(0, 6) - dates("2026-12-24", ("2026-07-01", "2026-07-31")) - public_holidays("US"),
            "At 06:00; except 2026-07-01 to 2026-07-31 and 2026-12-24 and the public holidays of US",
        ),
        (
            every(60) - crontab("*", "22-5"),
            'Every minute; except the minutes of "every minute, between 22:00 and 05:59"',
        ),
    ],
)
def test_a_spec_is_explained_in_a_sentence(spec: Spec, sentence: str) -> None:
    assert explain(spec) == sentence


@given(specs | crons | crontabs)
def test_there_are_words_for_every_spec(spec: Spec) -> None:
    assert describe(spec)
    sentence = explain(spec)
    assert sentence[0].isupper()
    assert "  " not in sentence
    assert "Error" not in sentence


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (crontab(minute=0, hour=0, day_of_week="0,*/1"), "At 00:00"),
        (crontab(minute=0, hour=0, day_of_week="1,*/3"), "At 00:00, only on Monday, Sunday, Wednesday, and Saturday"),
        (crontab(minute=0, hour="1,*/12"), "At 01:00, 00:00 and 12:00"),
        (crontab(minute=0, hour=0, day_of_month="2,*/10"), "At 00:00, on day 2, 1, 11, 21, and 31 of the month"),
    ],
)
def test_a_star_in_a_list_is_said_in_numbers(spec: Spec, sentence: str) -> None:
    assert explain(spec) == sentence


def test_the_sentence_does_not_depend_on_the_language_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANG", "LC_ALL", "LANGUAGE"):
        monkeypatch.setenv(name, "de_DE.UTF-8")
    assert explain(cron("0 6 * * 1")) == "At 06:00, only on Monday"

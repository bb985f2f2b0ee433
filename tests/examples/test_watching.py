"""What is asked of each example that is watched can be missed: each part of the story, where it is not shown."""

from __future__ import annotations

import pytest
from watching import missing

STORY = """\
dashboard http://127.0.0.1:8600/login?link=gMkuJ0qb692xEo7pRiU6ZHm0RUzZqm8qJ7R9oSD9_A4
12:00:01  count                      SUCCESS   0.03s  7  [every-second]
12:00:02  send                       RETRY     0.09s  SMTPDataError: (451, b'Try again later')
12:00:03  send                       SUCCESS   0.04s  Sent  attempt 2
"""
LINK, FIRED, FAILED, RETRIED = STORY.splitlines(keepends=True)


def test_nothing_is_missing_of_a_whole_story() -> None:
    assert missing(STORY) == []


@pytest.mark.parametrize(
    ("shown", "parts"),
    [
        (STORY.replace(LINK, "dashboard is not there; see web.log\n"), ["dashboard"]),
        (STORY.replace("  [every-second]", ""), ["schedule"]),
        (STORY.replace(FAILED, ""), ["an attempt that failed", "a later attempt"]),
        (STORY.replace("SMTPDataError: (451, b'Try again later')", ""), ["an attempt that failed", "a later attempt"]),
        (STORY.replace("  attempt 2", ""), ["a later attempt"]),
        (STORY.replace(RETRIED, RETRIED.replace("send", "sort")), ["a later attempt"]),
        (LINK + FIRED + RETRIED + FAILED, ["a later attempt"]),
    ],
)
def test_each_part_that_is_not_shown_is_missed(shown: str, parts: list[str]) -> None:
    missed = missing(shown)
    assert len(missed) == len(parts)
    assert all(part in what for part, what in zip(parts, missed, strict=True))

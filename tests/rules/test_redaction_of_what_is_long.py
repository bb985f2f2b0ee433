"""Of values that are too long to be shown the beginning is, as a text: without secrets, too."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from horarium.redaction import Marks, Redactor, beginning

FIRST = Marks(positions=frozenset({0}))
LETTER = Marks(names=frozenset({"letter"}))
LONG = "x" * 5000
SECRET = "tiger-4711-x-" + "s" * 200


def shown(args: list[Any], kwargs: dict[str, Any], marks: Marks, limit: int = 4096) -> str:
    stored = Raw(msgspec.json.encode(args)), Raw(msgspec.json.encode(kwargs))
    found = Redactor().call(*stored, marks)
    cut = [beginning(seen, len(bytes(whole)), limit) for seen, whole in zip(found, stored, strict=True)]
    return b"".join(map(bytes, cut)).decode()


@pytest.mark.parametrize("secret", ["1234", "S" * 5000, {"id": 1, "letter": "S" * 5000}])
def test_what_is_marked_is_hidden_however_short_or_long_it_is(secret: Any) -> None:
    told = shown([secret, LONG], {}, FIRST) + shown([], {"letter": secret, "more": LONG}, LETTER)
    assert "1234" not in told and "SSSS" not in told
    assert told.count("[redacted]") == 2


def test_what_has_a_secret_name_is_hidden_whole() -> None:
    assert "zz11" not in shown([], {"credentials": {"user": "bo", "pw": "zz11"}, "more": LONG}, Marks())


@pytest.mark.parametrize("before", [*range(3880, 4110, 10)])
def test_a_secret_that_is_cut_through_shows_no_part_of_itself(before: int) -> None:
    told = shown(["x" * before + SECRET + "y" * 600, {"password": SECRET}], {}, Marks())
    assert "tiger" not in told
    assert "…" in told

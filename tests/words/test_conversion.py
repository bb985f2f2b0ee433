"""A task's type hints bring values back to the classes they were sent as."""

from __future__ import annotations

import dataclasses
import enum
import sys
import types
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, Optional, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest

from horarium import codec
from horarium.conversion import convert, is_convertible
from horarium.errors import DecodingError


class Colour(enum.Enum):
    RED = "red"


class Corner(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Line:
    colour: Colour
    ends: list[Corner]
    drawn: datetime | None = None
    length: float = dataclasses.field(default=0.0, init=False)


class Box(msgspec.Struct, rename="camel"):
    edge_colour: Colour
    size: Decimal = Decimal(1)


UUID_TEXT = "6f1a0a3e-3c39-5d6c-9c0e-2f6b8f0f9d11"
MOMENT = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        ("2026-07-01T12:00:00Z", datetime, MOMENT),
        (
            "2026-07-01T14:00:00+02:00[Europe/Berlin]",
            datetime,
            datetime(2026, 7, 1, 14, tzinfo=ZoneInfo("Europe/Berlin")),
        ),
        ("2026-07-01", date, date(2026, 7, 1)),
        ("12:30", time, time(12, 30)),
        (90, timedelta, timedelta(seconds=90)),
        (1.5, timedelta, timedelta(seconds=1.5)),
        ("PT1H", timedelta, timedelta(hours=1)),
        ("1.20", Decimal, Decimal("1.20")),
        (0.1, Decimal, Decimal("0.1")),
        (UUID_TEXT, UUID, UUID(UUID_TEXT)),
        ("aGk=", bytes, b"hi"),
        ([1, 2], tuple, (1, 2)),
        ([1, 1], set[int], {1}),
        ([1, 1], frozenset, frozenset({1})),
        ("red", Colour, Colour.RED),
        ([1, 2], Corner, Corner(1, 2)),
        (["2026-07-01"], list[date], [date(2026, 7, 1)]),
        (["2026-07-01", 5], tuple[date, timedelta], (date(2026, 7, 1), timedelta(seconds=5))),
        (["2026-07-01"], tuple[date, ...], (date(2026, 7, 1),)),
        ({"a": "red"}, dict[str, Colour], {"a": Colour.RED}),
        ("red", Optional[Colour], Colour.RED),  # noqa: UP045 - the older form is met in the wild
        (None, Colour | None, None),
        ("red", Annotated[Colour, "doc"], Colour.RED),
        ("12.5", date | Decimal, Decimal("12.5")),
    ],
)
def test_a_hint_is_what_the_value_becomes(value: object, hint: Any, expected: object) -> None:
    read = convert(value, hint)
    assert read == expected
    assert type(read) is type(expected)
    assert is_convertible(hint)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("5", int),
        (5, str),
        (None, datetime),
        ("x", Any),
        ("x", object),
        ({"a": 1}, Mapping[str, date]),
        ("red", str | Colour),
        (3, date | int),
        ("x", TypeVar("T")),
        ("x", "a hint that could not be resolved"),
        ([1], list),
        ("x", list[date]),
        (MOMENT, datetime),
        (Colour.RED, Colour),
    ],
)
def test_a_value_that_fits_or_a_hint_that_is_not_known_changes_nothing(value: object, hint: Any) -> None:
    assert convert(value, hint) is value


@pytest.mark.parametrize(
    ("value", "hint", "path"),
    [
        ("soon", datetime, "when"),
        ("blue", Colour, "when"),
        ([1, 2, 3], tuple[int, date], "when"),
        (["2026-07-01", "x"], list[date], "when[1]"),
        ({"a": "x"}, dict[str, UUID], 'when["a"]'),
        ({"colour": "red", "ends": [], "drawn": "soon"}, Line, "when.drawn"),
        ({"colour": "red", "unknown": 1}, Line, "when"),
        ({"edgeColour": "blue"}, Box, "when"),
        ("blue", Colour | None, "when"),
        ("not base64", bytes, "when"),
        (float("nan"), timedelta, "when"),
        (5, Corner, "when"),
    ],
)
def test_a_value_that_cannot_be_read_as_its_hint_is_an_error_with_its_path(value: object, hint: Any, path: str) -> None:
    with pytest.raises(DecodingError, match=r"expected .*, got .*; ") as refusal:
        convert(value, hint, path="when")
    assert str(refusal.value).startswith(f"{path}: ")


def test_a_dataclass_comes_back_whole_through_the_codec() -> None:
    line = Line(Colour.RED, [Corner(0, 0), Corner(1, 2)], MOMENT)
    assert convert(codec.decode(codec.encode(line)), Line) == line


def test_a_struct_comes_back_whole_through_the_codec() -> None:
    box = Box(edge_colour=Colour.RED, size=Decimal("2.5"))
    assert convert(codec.decode(codec.encode(box)), Box) == box
    assert convert(codec.decode(codec.encode([box])), list[Box]) == [box]


def test_a_pydantic_model_is_read_by_its_own_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    class BaseModel:  # stands in for pydantic's, which is not installed with us
        def __init__(self, number: int) -> None:
            self.number = number

        def model_dump(self, *, by_alias: bool) -> dict[str, int]:
            return {"number": self.number}

        @classmethod
        def model_validate(cls, value: dict[str, int]) -> BaseModel:
            return cls(**value)

    pydantic = types.ModuleType("pydantic.main")
    pydantic.BaseModel = BaseModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pydantic.main", pydantic)

    class Model(BaseModel):
        pass

    back = convert(codec.decode(codec.encode(Model(5))), Model)
    assert isinstance(back, Model)
    assert back.number == 5


def test_plain_hints_are_known_not_to_need_reading() -> None:
    for hint in (int, str, dict, list[int], dict[str, int], int | None, Any, "text"):
        assert not is_convertible(hint)

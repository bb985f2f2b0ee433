"""What travels comes back equal, or is refused with its path."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import math
import sys
import types
from collections import OrderedDict, namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from horarium import codec
from horarium.errors import CodecError, DecodingError, EncodingError, PayloadTooLarge
from horarium.tagged import TAG

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"]
OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
ZONE_INFOS = st.one_of(st.none(), st.just(UTC), OFFSETS, st.sampled_from(ZONES).map(ZoneInfo))
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
# Zones' rules are about the present; a datetime near the ends of the calendar cannot be moved between zones at all.
MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=ZONE_INFOS, allow_imaginary=True)
HASHABLE_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    MOMENTS,
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.binary(max_size=20),
)
HASHABLES = st.recursive(
    HASHABLE_SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3).map(tuple), st.frozensets(inner, max_size=3)),
    max_leaves=5,
)
KEYS = st.one_of(TEXT, st.just(TAG), st.just("value"))
VALUES = st.recursive(
    HASHABLE_SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(HASHABLES, max_size=4),
    ),
    max_leaves=20,
)


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Order:
    items: dict[str, object]
    placed: datetime | None = None


class Point(msgspec.Struct, rename="camel", tag="point", kw_only=True):
    x_axis: int
    seen: datetime | None = None


def same(left: object, right: object) -> bool:
    """Equality that also compares types, zones and the sign of zero, which == does not."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, datetime) and isinstance(right, datetime):
        zones = [getattr(moment.tzinfo, "key", None) for moment in (left, right)]
        # == within one zone looks neither at the fold nor at the offset.
        return left == right and zones[0] == zones[1] and left.utcoffset() == right.utcoffset()
    if isinstance(left, float) and isinstance(right, float):
        return math.copysign(1, left) == math.copysign(1, right) and left == right
    return left == right


@settings(deadline=None, max_examples=150)
@given(VALUES)
@example([{TAG: "datetime", "value": "no"}])
@example({TAG: {TAG: "dict", "value": {}}})
@example([-0.0, 5e-324, 1.7976931348623157e308, 2**63, -(2**63), 2**64, 10**4000])
@example(datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")))
@example(datetime(2026, 3, 29, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")))  # a clock time that is skipped
@example(time(9, 30, tzinfo=ZoneInfo("Europe/Berlin")))
@example([Decimal("1.20"), Decimal("-0"), Decimal("1E+100"), Decimal("Infinity")])
def test_what_is_encoded_comes_back_equal(value: object) -> None:
    back = codec.decode(codec.encode(value))
    assert same(back, value), back


@settings(deadline=None, max_examples=150)
@given(st.one_of(st.binary(max_size=60), VALUES.map(codec.encode)), st.integers(0, 200), st.integers(0, 255))
def test_foreign_or_damaged_bytes_are_a_decoding_error_and_nothing_else(raw: bytes, at: int, byte: int) -> None:
    damaged = raw[:at] + bytes([byte]) + raw[at + 1 :]
    try:
        codec.decode(damaged)
    except DecodingError as error:
        assert "expected" in str(error)


TAGGED_JUNK = st.fixed_dictionaries(
    {
        TAG: st.one_of(
            st.sampled_from("datetime date time timedelta decimal uuid bytes tuple set frozenset dict pickle".split()),
            st.none(),
            st.integers(),
            st.lists(st.text()),
        ),
    },
    optional={
        "value": st.recursive(
            st.one_of(st.none(), st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
            lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
        ),
        "more": st.none(),
    },
)


@settings(deadline=None, max_examples=150)
@given(TAGGED_JUNK)
@example({TAG: "datetime", "value": "2026-01-01[../../etc/passwd]"})
@example({TAG: "datetime", "value": "2026-01-01T00:00:00+00:00[America]"})
@example({TAG: "timedelta", "value": [10**30, 0, 0]})
@example({TAG: "set", "value": [[]]})
def test_a_malformed_tagged_form_is_a_decoding_error_and_nothing_else(form: object) -> None:
    with contextlib.suppress(DecodingError):
        codec.decode(msgspec.json.encode([form]))


def test_a_thousand_levels_are_refused_on_the_way_back_without_a_crash() -> None:
    with pytest.raises(DecodingError):
        codec.decode(b"[" * 100_000 + b"]" * 100_000)


def test_raw_json_is_decoded_as_bytes_are() -> None:
    assert codec.decode(msgspec.Raw(codec.encode([(1, 2)]))) == [(1, 2)]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "America", "../../etc/passwd", "/etc/passwd", "\0"])
def test_a_zone_that_this_host_does_not_know_leaves_the_offset(zone: str) -> None:
    raw = msgspec.json.encode({TAG: "datetime", "value": f"2026-07-01T12:00:00+02:00[{zone}]"})
    assert codec.decode(raw) == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_a_zone_whose_rules_have_changed_keeps_the_instant() -> None:
    raw = msgspec.json.encode({TAG: "datetime", "value": "2026-07-01T12:00:00+05:00[Europe/Berlin]"})
    assert codec.decode(raw) == datetime(2026, 7, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([Order({"x": object()})], 'args[0].items["x"]'),
        ([1, {"a": [{1, 2}, float("nan")]}], 'args[1]["a"][1]'),
        ([float("inf")], "args[0]"),
        ([{1: 2}], "args[0][1]"),
        ([{(1, 2): 3}], "args[0][<tuple>]"),
        (["ok", "\ud800"], "args[1]"),
        ([{"\udfff": 1}], "args[0]"),
        (["a\0b"], "args[0]"),
        ([{"a\0b": 1}], "args[0]"),
        ([10**4096], "args[0]"),
        ([b"", bytearray(b"x")], "args[1]"),
        ([Path("x")], "args[0]"),
        ([range(3)], "args[0]"),
        ([len], "args[0]"),
        ([ValueError("x")], "args[0]"),
        ([types.MappingProxyType({})], "args[0]"),
        ([1 + 2j], "args[0]"),
        ([{(1, Level.HIGH, frozenset([Path("x")]))}], "args[0]{…}[2]{…}"),
    ],
)
def test_what_json_cannot_say_is_refused_with_its_path_and_a_remedy(value: object, path: str) -> None:
    with pytest.raises(EncodingError) as refusal:
        codec.encode(value, path="args")
    assert refusal.value.path.startswith(path)
    assert "; " in str(refusal.value)
    assert isinstance(refusal.value, TypeError)


def test_a_mutable_element_of_a_set_is_refused_because_it_could_not_come_back() -> None:
    @dataclasses.dataclass(frozen=True)
    class Frozen:
        x: int

    with pytest.raises(EncodingError, match="hashable"):
        codec.encode({Frozen(1)})


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(EncodingError, match="levels of nesting"):
        codec.encode(loop)


def test_sixty_four_levels_travel_and_sixty_five_do_not() -> None:
    deep: object = 1
    for _ in range(64):
        deep = [deep]
    assert codec.decode(codec.encode(deep)) == deep
    with pytest.raises(EncodingError):
        codec.encode([deep])
    with pytest.raises(EncodingError):
        codec.encode({"at": datetime(2026, 1, 1), "deep": deep})


def test_the_size_limit_counts_the_encoded_bytes() -> None:
    assert codec.encode("é" * 10, limit_bytes=22) == b'"' + "é".encode() * 10 + b'"'
    with pytest.raises(PayloadTooLarge) as refusal:
        codec.encode("é" * 10, path="kwargs", limit_bytes=21)
    assert (refusal.value.path, refusal.value.size_bytes, refusal.value.limit_bytes) == ("kwargs", 22, 21)


def test_a_database_row_is_refused_with_the_advice_to_pass_its_id() -> None:
    class User:
        _meta = object()
        pk = 7

    with pytest.raises(EncodingError, match="pass its id"):
        codec.encode([User()], path="args")


def test_enum_members_travel_as_their_values_and_subclasses_as_the_plain_value() -> None:
    class Name(str):
        pass

    pair = namedtuple("pair", "a b")
    value = [Colour.RED, Level.HIGH, Name("n"), OrderedDict(a=1), pair(1, 2), {enum.StrEnum("E", ["K"]).K: 1}]
    back = codec.decode(codec.encode(value))
    assert back == ["red", 3, "n", {"a": 1}, (1, 2), {"k": 1}]
    assert [type(item) for item in back] == [str, int, str, dict, tuple, dict]


def test_dataclasses_and_structs_travel_as_dicts_under_their_encoded_names() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert codec.decode(codec.encode(Order({"a": 1}, moment))) == {"items": {"a": 1}, "placed": moment}
    assert codec.decode(codec.encode(Point(x_axis=1, seen=moment))) == {"type": "point", "xAxis": 1, "seen": moment}


def test_equal_sets_are_written_alike() -> None:
    assert codec.encode(set("abcdef")) == codec.encode(set("fedcba"))
    assert codec.encode({"b", "a"}) == b'{"__horarium__":"set","value":["a","b"]}'


def test_a_lazy_translation_travels_as_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    class Promise:
        def __str__(self) -> str:
            return "translated"

    functional = types.ModuleType("django.utils.functional")
    functional.Promise = Promise  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "django.utils.functional", functional)
    assert codec.decode(codec.encode([Promise()])) == ["translated"]


@settings(deadline=None, max_examples=100)
@given(st.one_of(st.binary(max_size=300), VALUES.map(codec.encode)), st.integers(1, 50))
def test_a_preview_is_one_printable_line_of_bounded_length(raw: bytes, limit: int) -> None:
    text = codec.preview(raw, limit)
    assert len(text) <= limit
    assert text.isprintable()


def test_a_preview_shows_what_was_sent() -> None:
    assert codec.preview(b'[1,{"a":"x\\ny"}]') == '[1,{"a":"x\\ny"}]'
    assert codec.preview(b'"' + b"x" * 1000 + b'"', 10) == '"xxxxxxxx…'


def test_codec_errors_are_one_branch_of_the_tree() -> None:
    for action in (lambda: codec.encode(object()), lambda: codec.decode(b"{")):
        with pytest.raises(CodecError):
            action()


def test_a_uuid_of_another_program_is_read_by_hint_and_not_by_guess() -> None:
    text = "6f1a0a3e-3c39-5d6c-9c0e-2f6b8f0f9d11"
    assert codec.decode(codec.encode(text)) == text
    assert codec.convert(text, UUID) == UUID(text)


def test_dates_keep_their_class() -> None:
    value = [date(2026, 1, 1), datetime(2026, 1, 1)]
    assert [type(item) for item in codec.decode(codec.encode(value))] == [date, datetime]

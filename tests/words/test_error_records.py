"""Exceptions are kept as data and come back by class, without ever importing or running what was not asked for."""

from __future__ import annotations

import importlib.util
import sys
import types
import typing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from horarium.codec import MAX_TRACEBACK_CHARS, decode, decode_error, encode_error
from horarium.errors import RemoteError
from horarium.outcome import ErrorRecord


class Declined(Exception):
    class Softly(Exception):
        pass


class NeedsTwo(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x", 3, None),
        KeyError("k"),
        Declined("no", (1, 2)),
        Declined.Softly(),
        FileNotFoundError(2, "No such file", "/nowhere"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    ],
)
def test_an_exception_whose_class_is_imported_comes_back_equal(error: Exception) -> None:
    back = decode_error(encode_error(raised(error)))
    assert type(back) is type(error)
    assert (back.args, str(back)) == (error.args, str(error))


def test_an_exception_that_cannot_be_rebuilt_comes_back_as_one_that_names_it() -> None:
    back = decode_error(encode_error(raised(NeedsTwo(7, "bad"))))
    assert isinstance(back, RemoteError)
    assert back.class_path == f"{__name__}.NeedsTwo"
    assert back.text == "7: bad"
    assert "NeedsTwo" in (back.traceback or "")


@pytest.mark.parametrize(
    "class_path",
    [
        "builtins.SystemExit",
        "builtins.KeyboardInterrupt",
        "builtins.eval",
        "builtins.object",
        "os.system",
        "subprocess.Popen",
        "sys.modules.os.error",
        "not_imported_module.Error",
        "builtins",
        "",
        "..",
        "builtins.Exception.__class__",
        "builtins.ValueError.args",
    ],
)
def test_anything_but_an_imported_exception_class_is_never_called(class_path: str) -> None:
    back = decode_error(ErrorRecord(class_path=class_path, args=Raw(b'["echo hacked"]'), text="t"))
    assert isinstance(back, RemoteError)
    assert "not_imported_module" not in sys.modules


class Departure(BaseException):
    made: typing.ClassVar[list[object]] = []

    def __init__(self, *args: object) -> None:
        self.made.append(args)


def test_what_is_no_ordinary_exception_is_not_even_made() -> None:
    assert isinstance(decode_error(ErrorRecord(class_path=f"{__name__}.Departure")), RemoteError)
    assert Departure.made == []


def test_a_class_that_a_module_would_import_on_being_asked_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    module = types.ModuleType("lazy_module")
    module.__getattr__ = asked.append  # type: ignore[method-assign,assignment]
    monkeypatch.setitem(sys.modules, "lazy_module", module)
    assert isinstance(decode_error(ErrorRecord(class_path="lazy_module.Error")), RemoteError)
    assert asked == []


def test_a_module_that_loads_itself_when_touched_stays_unloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "late.py").write_text("raise AssertionError('loaded')")
    spec = importlib.util.spec_from_file_location("late", tmp_path / "late.py")
    assert spec is not None and spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "late", module)
    assert isinstance(decode_error(ErrorRecord(class_path="late.Error")), RemoteError)


def test_an_exception_that_cannot_speak_is_recorded_all_the_same() -> None:
    record = encode_error(raised(Unspeakable(object())))
    assert record.class_path.endswith(".Unspeakable")
    assert "could not be made" in record.text
    assert isinstance(decode_error(record), Unspeakable)


def test_arguments_that_json_cannot_say_are_kept_as_text() -> None:
    args = decode(encode_error(ValueError("ok", object, "\ud800", float("nan"))).args)
    assert args[0] == "ok"
    assert "object" in args[1]
    assert args[3] == "nan"


def test_the_record_is_bounded_and_can_be_stored_anywhere() -> None:
    error: BaseException = ValueError("\0" + "x" * 1_000_000 + "\ud800")
    for _ in range(50):
        try:
            raise ValueError("y" * 100_000) from error
        except ValueError as caught:
            error = caught
    record = encode_error(error)
    assert len(record.traceback or "") <= MAX_TRACEBACK_CHARS
    assert len(msgspec.json.encode(record)) < 4 * MAX_TRACEBACK_CHARS
    assert "\0" not in (record.traceback or "") + record.text
    assert (record.traceback or "").startswith("ValueError: \\x00x")
    assert (record.traceback or "").endswith("yyy\n")


def test_local_variables_are_not_recorded() -> None:
    def charge() -> None:
        card = "4111-1111"  # noqa: F841 - it must not be found in the record
        raise ValueError("declined")

    with pytest.raises(ValueError, match="declined") as caught:
        charge()
    number = "-".join(["4111", "1111"])
    assert number not in (encode_error(caught.value).traceback or "").replace('card = "4111-1111"', "")


@settings(deadline=None, max_examples=100)
@given(st.text(), st.binary(max_size=30), st.text())
def test_any_record_gives_an_exception(class_path: str, args: bytes, text: str) -> None:
    assert isinstance(decode_error(ErrorRecord(class_path=class_path, args=Raw(args), text=text)), Exception)

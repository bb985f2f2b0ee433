"""What frameworks make of an app."""

from __future__ import annotations

import pytest

from horarium.app.app import Horarium
from horarium.app.fixups import OF_FRAMEWORKS
from horarium.errors import ImproperlyConfigured

fixed: list[Horarium] = []


def note(app: Horarium) -> None:
    fixed.append(app)


@pytest.fixture(autouse=True)
def _nothing_fixed() -> None:
    fixed.clear()


def test_the_functions_that_are_named_are_called_with_the_app() -> None:
    app = Horarium("shop", fixups=["test_fixups:note"], set_as_current=False)
    assert fixed == [app]


def test_without_a_framework_nothing_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    monkeypatch.setitem(OF_FRAMEWORKS, "DJANGO_SETTINGS_MODULE", "test_fixups:note")
    Horarium("shop", set_as_current=False)
    assert fixed == []


def test_a_process_of_a_framework_calls_its_fixup_unless_others_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
    monkeypatch.setitem(OF_FRAMEWORKS, "DJANGO_SETTINGS_MODULE", "test_fixups:note")
    Horarium("shop", fixups=(), set_as_current=False)
    assert fixed == []
    app = Horarium("shop", set_as_current=False)
    assert fixed == [app]


@pytest.mark.parametrize("path", ["nowhere:fixup", "test_fixups:nobody", "test_fixups", ""])
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="expected fixups to be paths"):
        Horarium("shop", fixups=[path], set_as_current=False)

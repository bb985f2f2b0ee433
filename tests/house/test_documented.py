"""Every setting is documented, and the pages made from the code are what the code says."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
from source import ROOT

from horarium.settings_celery import ACCEPTED, ALIASES, URLS
from horarium.settings_table import TABLE


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_pages_are_up_to_date(generate: ModuleType) -> None:
    for path, make in generate.PAGES.items():
        assert path.read_text(encoding="utf-8") == make(), f"{path} is out of date: run `make docs`"


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    assert [name for name in (*TABLE, *ACCEPTED, *ALIASES, *URLS) if f"| `{name}` |" not in page] == []


def test_the_line_about_a_setting_is_a_sentence() -> None:
    for name, setting in TABLE.items():
        assert setting.doc.endswith("."), name
        assert "|" not in setting.doc and "\n" not in setting.doc, name

"""How ``-A`` finds the app, and what is said when it does not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium.cli.locate import AppImportFailed, AppNotFound, find_app

APP = "from horarium import Horarium\n{name} = Horarium({title!r}, store='memory://', set_as_current=False)\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project; whatever is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def write(folder: Path, **files: str) -> None:
    """Write files; ``shop__celery`` is shop/celery.py, ``shop__`` is shop/__init__.py."""
    for name, text in files.items():
        path = folder / (name.removesuffix("__") + "/__init__" if name.endswith("__") else name.replace("__", "/"))
        path = path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def app_text(name: str = "app", title: str = "found") -> str:
    return APP.format(name=name, title=title)


def test_a_module_with_an_attribute_app(folder: Path) -> None:
    write(folder, shop=app_text())
    assert find_app("shop", folder).main == "found"


def test_a_module_with_an_attribute_celery(folder: Path) -> None:
    write(folder, shop=app_text("celery"))
    assert find_app("shop", folder).main == "found"


def test_a_single_app_of_any_name(folder: Path) -> None:
    write(folder, shop=app_text("background") + "again = background\n")
    assert find_app("shop", folder).main == "found"


def test_a_module_and_an_attribute(folder: Path) -> None:
    write(folder, shop=app_text("one", "first") + app_text("two", "second"))
    assert find_app("shop:two", folder).main == "second"


@pytest.mark.parametrize("submodule", ["celery", "horarium"])
def test_a_package_with_a_submodule(folder: Path, submodule: str) -> None:
    write(folder, config__="", **{f"config__{submodule}": app_text()})
    assert find_app("config", folder).main == "found"


def test_a_module_in_a_package(folder: Path) -> None:
    write(folder, web__="", web__celery_app=app_text())
    assert find_app("web.celery_app", folder).main == "found"


def test_a_dotted_name_may_end_in_the_attribute_as_in_celery(folder: Path) -> None:
    write(folder, proj__=app_text("background"))
    assert find_app("proj.background", folder).main == "found"


def test_pyproject_names_the_app_for_the_folders_below(folder: Path) -> None:
    write(folder, shop=app_text())
    (folder / "pyproject.toml").write_text('[tool.horarium]\napp = "shop:app"\n')
    below = folder / "docs" / "more"
    below.mkdir(parents=True)
    assert find_app(None, below).main == "found"


def test_the_only_app_of_the_folder_is_found_by_itself(folder: Path) -> None:
    write(folder, other="raise SystemExit('not to be imported')\n", test_shop=app_text(), shop=app_text())
    assert find_app(None, folder).main == "found"


def test_two_apps_in_a_folder_must_be_chosen_from(folder: Path) -> None:
    write(folder, shop=app_text(), mail__="", mail__celery=app_text())
    with pytest.raises(AppNotFound, match=r"found 2; choose with -A mail\.celery, -A shop"):
        find_app(None, folder)


def test_a_folder_without_an_app_says_what_was_tried(folder: Path) -> None:
    with pytest.raises(AppNotFound, match=r"no -A, no HORARIUM_APP, no \[tool\.horarium\] app .*pass -A MODULE"):
        find_app(None, folder)


def test_a_module_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(AppNotFound, match="there is no module 'nowhere'"):
        find_app("nowhere", folder)


def test_a_path_is_answered_with_the_module(folder: Path) -> None:
    with pytest.raises(AppNotFound, match=r"write -A src\.shop"):
        find_app("./src/shop.py", folder)


def test_a_module_without_an_app_says_what_was_tried(folder: Path) -> None:
    write(folder, empty="x = 1\n")
    with pytest.raises(AppNotFound, match="tried empty:app, empty:celery"):
        find_app("empty", folder)


def test_a_module_with_two_apps_lists_them(folder: Path) -> None:
    write(folder, shop=app_text("one") + app_text("two"))
    with pytest.raises(AppNotFound, match="write -A shop:one or -A shop:two"):
        find_app("shop", folder)


def test_an_attribute_that_is_no_app_is_told_from_one_that_is_missing(folder: Path) -> None:
    write(folder, shop=app_text() + "number = 3\n")
    with pytest.raises(AppNotFound, match=r"got int; write -A shop:app"):
        find_app("shop:number", folder)
    with pytest.raises(AppNotFound, match="there is no 'missing'"):
        find_app("shop:missing", folder)


def test_a_module_that_fails_shows_the_users_own_traceback(folder: Path) -> None:
    write(folder, shop="def configure():\n    return 1 / 0\n\nconfigure()\n")
    with pytest.raises(AppImportFailed, match="ZeroDivisionError") as failed:
        find_app("shop", folder)
    assert "return 1 / 0" in failed.value.trace
    assert "locate.py" not in failed.value.trace and "importlib" not in failed.value.trace


def test_a_missing_dependency_of_the_module_is_not_taken_for_a_missing_module(folder: Path) -> None:
    write(folder, shop="import not_installed_here\n")
    with pytest.raises(AppImportFailed, match="not_installed_here"):
        find_app("shop", folder)


def test_a_syntax_error_shows_its_line(folder: Path) -> None:
    write(folder, shop="app = (\n")
    with pytest.raises(AppImportFailed) as failed:
        find_app("shop", folder)
    assert "shop.py" in failed.value.trace and "line 1" in failed.value.trace


def test_a_module_that_exits_does_not_end_us(folder: Path) -> None:
    write(folder, shop="raise SystemExit(7)\n")
    with pytest.raises(AppImportFailed, match="SystemExit"):
        find_app("shop", folder)


def test_a_broken_pyproject_is_named(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool\n")
    with pytest.raises(AppNotFound, match=r"pyproject\.toml to be TOML"):
        find_app(None, folder)

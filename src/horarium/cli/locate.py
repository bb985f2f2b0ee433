"""Find the app that a command is about: from ``-A``, from ``pyproject.toml``, or by looking into the folder.

``-A`` takes ``module``, ``module:attribute``, and a package that holds a ``celery`` or ``horarium`` submodule. In a
module, the attribute ``app``, then ``celery``, then a single Horarium instance of any name is the app. Only the
folder's own files that visibly make an app are ever imported without being asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeGuard

from horarium.errors import HorariumError, ImproperlyConfigured
from horarium.settings_celery import ALIASES
from horarium.settings_table import TABLE

if TYPE_CHECKING:
    from horarium.app.app import Horarium

ATTRIBUTES = ("app", "celery")
SUBMODULES = ("celery", "horarium")
MAKES_AN_APP = re.compile(rb"^\w+\s*(?::[^=\n]+)?=\s*(?:\w+\.)*(?:Horarium|Celery)\(", re.MULTILINE)
NOT_AN_APP = ("test_", "conftest", "setup")
TRACEBACK_TAIL = 12  # lines of the user's own traceback that are shown


class AppNotFound(ImproperlyConfigured):
    """No app, or more than one, where it was looked for."""


class AppImportFailed(ImproperlyConfigured):
    """The app's module was found, but running it raised; ``trace`` is the end of the user's own traceback."""

    def __init__(self, module: str, error: BaseException) -> None:
        super().__init__(f"importing {module!r} failed: {type(error).__name__}: {_first_line(error)}")
        self.module = module
        self.trace = _own_traceback(error)


def find_app(spec: str | None, folder: Path) -> Horarium:
    """Return the app that ``spec`` names, or without one the app of the folder.

    ``folder`` is put on ``sys.path``. Raises: AppNotFound, saying what was tried; AppImportFailed when the
    module itself raised.
    """
    _make_importable(folder)
    if spec is None:
        spec = _spec_of_project(folder) or _spec_of_folder(folder)
    if "/" in spec or spec.endswith(".py"):
        dotted = spec.removeprefix("./").removesuffix(".py").strip("/").replace("/", ".")
        raise AppNotFound(f"expected -A to be a module, got the path {spec!r}; write -A {dotted}")
    module_name, _, attribute = spec.partition(":")
    if attribute:
        return _app_by_attribute(_import(module_name), attribute)
    return _app_by_module(spec)


def configure(app: Horarium, module: str) -> None:
    """Let the app take its settings from a module too: the names of settings in lower case, or in Celery's capitals.

    Raises: AppNotFound, AppImportFailed; InvalidSetting.
    """
    values = vars(_import(module))
    known = app.conf
    names = {name: name.lower().removeprefix("celery_") for name in values if not name.startswith("_")}
    known.update({ours: values[name] for name, ours in names.items() if ours in TABLE or ours in ALIASES})


def _make_importable(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _spec_of_project(folder: Path) -> str | None:
    """Return ``[tool.horarium] app`` of the nearest pyproject.toml, whose folder becomes importable."""
    import tomllib

    for place in (folder, *folder.parents):
        path = place / "pyproject.toml"
        if not path.is_file():
            continue
        try:
            project = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise AppNotFound(f"expected {path} to be TOML, got: {error}; mend it or pass -A MODULE") from error
        spec = project.get("tool", {}).get("horarium", {}).get("app")
        if spec is None:
            return None
        if not isinstance(spec, str):
            raise AppNotFound(f"expected [tool.horarium] app in {path} to be a text such as 'events', got {spec!r}")
        _make_importable(place)
        return spec
    return None


def _spec_of_folder(folder: Path) -> str:
    """Return the module of the only file in the folder that makes an app."""
    found = [name for name, path in _modules_of(folder) if _makes_an_app(path)]
    if len(found) == 1:
        return found[0]
    if found:
        choices = ", ".join(f"-A {name}" for name in sorted(found))
        raise AppNotFound(f"expected one app in {folder}, found {len(found)}; choose with {choices}")
    raise AppNotFound(
        f"expected an app: no -A, no HORARIUM_APP, no [tool.horarium] app in pyproject.toml, and no file in {folder} "
        "says `app = Horarium(...)`; pass -A MODULE, the module that makes the app"
    )


def _modules_of(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*.py")):
        if not path.name.startswith(NOT_AN_APP):
            yield path.stem, path
    for init in sorted(folder.glob("*/__init__.py")):
        package = init.parent
        for path in sorted(package.glob("*.py")):
            yield (package.name if path == init else f"{package.name}.{path.stem}"), path


def _makes_an_app(path: Path) -> bool:
    try:
        return MAKES_AN_APP.search(path.read_bytes()) is not None
    except OSError:
        return False


def _import(name: str) -> ModuleType:
    """Import a module of the user's. Raises: AppNotFound if there is none; AppImportFailed if it raised."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise AppNotFound(
                f"expected -A to name a module, but there is no module {error.name!r} in {Path.cwd()} or among the "
                "installed packages; check the spelling, or go to the project's folder (--workdir)"
            ) from error
        raise AppImportFailed(name, error) from error
    except (Exception, SystemExit) as error:  # whatever the user's code raises is the user's to see
        raise AppImportFailed(name, error) from error


def _app_by_attribute(module: ModuleType, attribute: str) -> Horarium:
    value: object = module
    for part in attribute.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            raise AppNotFound(
                f"expected an app at {module.__name__}:{attribute}, but there is no {part!r}; {_apps_hint(module)}"
            ) from None
    if not _is_app(value):
        raise AppNotFound(
            f"expected an app at {module.__name__}:{attribute}, got {type(value).__name__}; {_apps_hint(module)}"
        )
    return value


def _app_by_module(name: str) -> Horarium:
    try:
        module = _import(name)
    except AppNotFound:
        # Celery also reads the last part of a dotted name as an attribute: -A proj.app
        parent, _, attribute = name.rpartition(".")
        holder = _import(parent) if parent else None
        if holder is None or not _is_app(getattr(holder, attribute, None)):
            raise
        return _app_by_attribute(holder, attribute)
    return _app_in(module)


def _app_in(module: ModuleType) -> Horarium:
    tried = [f"{module.__name__}:{attribute}" for attribute in ATTRIBUTES]
    for attribute in ATTRIBUTES:
        if _is_app(value := getattr(module, attribute, None)):
            return value
    if hasattr(module, "__path__"):
        for submodule in SUBMODULES:
            name = f"{module.__name__}.{submodule}"
            if importlib.util.find_spec(name) is not None:
                return _app_in(_import(name))
            tried.append(name)
    apps = _apps_of(module)
    if len(apps) == 1:
        return next(iter(apps.values()))
    if apps:
        raise AppNotFound(f"expected one app in {module.__name__!r}, found {len(apps)}; {_apps_hint(module)}")
    raise AppNotFound(
        f"expected an app in module {module.__name__!r}, found none (tried {', '.join(tried)} and every other name); "
        "make one there with `app = Horarium(...)`, or name the right place with -A MODULE:ATTRIBUTE"
    )


def _apps_of(module: ModuleType) -> dict[str, Horarium]:
    """Return the module's apps by name; one that has several names is listed once."""
    apps: dict[int, tuple[str, Horarium]] = {}
    for name, value in vars(module).items():
        if _is_app(value):
            apps.setdefault(id(value), (name, value))
    return dict(apps.values())


def _apps_hint(module: ModuleType) -> str:
    names = [f"-A {module.__name__}:{name}" for name in _apps_of(module)]
    return f"write {' or '.join(names)}" if names else "make one with `app = Horarium(...)`"


def _is_app(value: object) -> TypeGuard[Horarium]:
    # The class is in sys.modules if anybody has made an app; importing it here would cost a start without need.
    room = sys.modules.get("horarium.app.app")
    return room is not None and isinstance(value, room.Horarium)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or repr(error)).splitlines()[0]


def _own_traceback(error: BaseException) -> str:
    """Return the end of the traceback without our frames and the import system's."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename != __file__ and "importlib" not in f.filename]
    lines = "".join(traceback.format_list(own) + traceback.format_exception_only(error)).splitlines()
    shown = lines[-TRACEBACK_TAIL:]
    return "\n".join(([f"  ... {len(lines) - len(shown)} lines above"] if len(shown) < len(lines) else []) + shown)


@contextmanager
def importing(app: Horarium) -> Iterator[None]:
    """Translate whatever the user's own modules raise while the app imports them."""
    try:
        yield
    except HorariumError:
        raise
    except (Exception, SystemExit) as error:
        raise AppImportFailed(app.main or "the app's modules", error) from error

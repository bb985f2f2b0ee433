"""How an app gets its settings: a configuration that is named now and read at the first use, and the environment.

What wins, from the strongest: the command line, the environment, what code sets on the app, the configuration, added
defaults, Horarium's own. Reading late lets a project's modules import each other, as Celery's users expect.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from horarium.app import environment
from horarium.errors import ConfigurationNotFound, ImproperlyConfigured, InvalidSetting
from horarium.settings import Settings
from horarium.settings_names import NAMESPACE, current_name, settings_among, unknown_setting
from horarium.settings_table import TABLE

Defaults = Mapping[str, Any] | Callable[[], Mapping[str, Any]]


class Configuration:
    """Where the settings of one app come from. Nothing is read before a setting is."""

    def __init__(self, conf: Settings, configured: Callable[[], None]) -> None:
        self.conf = conf
        self.namespace: str | None = None
        self.source: Any = None  # a module's name, or whatever has settings
        self._is_silent = False
        self._defaults: list[Defaults] = []
        self._configured = configured
        conf.defer(self._load)

    def from_object(self, source: Any, *, silent: bool, force: bool, namespace: str | None) -> Settings | None:
        """Name the configuration; it replaces one named before. Read now if ``force`` or if settings were used."""
        self.source, self._is_silent = source, silent
        self.namespace = namespace or self.namespace
        if not (force or not self.conf.is_deferred):
            return None
        self.conf.defer(self._load)
        return self.conf.finalize()

    def from_envvar(self, name: str, *, silent: bool, force: bool) -> Settings | bool | None:
        module = environment.variable(name)
        if module is None:
            if silent:
                return False
            raise ImproperlyConfigured(
                f"expected the environment variable {name} to name a module of settings, got none; set {name}, for "
                f"instance to 'celeryconfig', or pass silent=True"
            )
        return self.from_object(module, silent=silent, force=force, namespace=None)

    def reload(self) -> None:
        """Read the configuration again, if it was read before: what it names has changed. Raises: as reading does."""
        if not self.conf.is_deferred:
            self.conf.defer(self._load)
            self.conf.finalize()

    def from_cmdline(self, argv: Iterable[str], namespace: str) -> None:
        self.conf.put("command", dict(_read_argument(argument, namespace) for argument in argv))

    def add_defaults(self, defaults: Defaults) -> None:
        if self.conf.is_deferred:
            self._defaults.append(defaults)
        else:
            self.conf.add_defaults(defaults() if callable(defaults) else defaults)

    def _load(self) -> None:
        self._configured()
        source = self.source if self.source is not None else environment.configuration_module()
        if source is not None:
            found = load(source, silent=self._is_silent)
            self.conf.put("source", {} if found is None else settings_among(found, self.namespace))
        for defaults in self._defaults:
            self.conf.add_defaults(defaults() if callable(defaults) else defaults)
        self.conf.put("environment", environment.named_settings())


def load(source: Any, *, silent: bool = False) -> Any:
    """Return what a source names: a module or attribute by its path (``shop.conf``, ``shop.conf:Live``), else itself.

    ``silent``: None for one that cannot be imported. Raises: ConfigurationNotFound, and what the module raises.
    """
    if not isinstance(source, str):
        return source
    try:
        with _folder_importable():
            return _imported(source)
    except (ImportError, AttributeError):
        if silent:
            return None
        raise


@contextmanager
def _folder_importable() -> Iterator[None]:
    """Let modules of the folder be found where the program was started, as Celery does: a web server may not."""
    folder = os.getcwd()  # noqa: PTH109  # pathlib would cost every start a tenth
    if folder in sys.path:
        yield
        return
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _imported(path: str) -> Any:
    module, colon, attribute = path.partition(":")
    if not colon:
        try:
            return importlib.import_module(path)
        except ModuleNotFoundError as error:
            module, _, attribute = path.rpartition(".")
            if not _is_part(error.name, path):
                raise  # the module is there, and misses another one
            if not module:
                raise _not_found(path, error) from error
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not _is_part(error.name, module):
            raise
        raise _not_found(path, error) from error
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise _not_found(path, error) from error
    return found


def _is_part(missing: str | None, path: str) -> bool:
    return missing is not None and (path == missing or path.startswith(f"{missing}."))


def _not_found(path: str, error: Exception) -> ConfigurationNotFound:
    meant = f"did you mean {path.removesuffix('.py')!r}?" if path.endswith(".py") else "mend the path, or PYTHONPATH"
    return ConfigurationNotFound(
        f"expected the name of a module of settings, such as 'shop.conf' or 'shop.conf:Live', got {path!r} ({error}); "
        f"{meant}"
    )


def _read_argument(argument: str, namespace: str) -> tuple[str, Any]:
    """Read ``worker.concurrency=4``, ``worker_concurrency=4`` or ``.concurrency=4`` (of the namespace)."""
    key, equals, text = argument.partition("=")
    if not equals:
        raise ImproperlyConfigured(
            f"expected a setting such as worker.concurrency=4, got {argument!r}; write its name, = and its value"
        )
    name = key.strip().lower().replace(".", "_")
    if name.startswith("_"):
        name = name.removeprefix("_") if namespace.upper() == NAMESPACE else namespace.lower() + name
    ours = current_name(name)
    if ours is None:
        raise unknown_setting(name)
    return ours, _read_text(ours, text)


def _read_text(name: str, text: str) -> Any:
    """Return the first reading of a text that the setting takes: a text, a number, a truth, JSON."""
    cast, closing, rest = text.partition(")")
    if closing and cast in _CASTS:
        text = rest
        readings = _CASTS[cast]
    else:
        readings = (str, int, float, _truth, _json)
    if name not in TABLE:
        return text
    for read in readings:
        try:
            value = read(text)
            TABLE[name].kind.read(value)
        except (ValueError, TypeError):
            continue
        return value
    raise InvalidSetting(name, TABLE[name].kind.expected, text, "mend the value")


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUTHS:
        raise ValueError
    return _TRUTHS[word]


def _json(text: str) -> Any:
    import json

    return json.loads(text)


_TRUTHS = {**dict.fromkeys(("true", "yes", "on", "1"), True), **dict.fromkeys(("false", "no", "off", "0"), False)}
_CASTS: dict[str, tuple[Callable[[str], Any], ...]] = {
    "(string": (str,),
    "(int": (int,),
    "(float": (float,),
    "(bool": (_truth,),
    **dict.fromkeys(("(json", "(list", "(tuple", "(dict"), (_json,)),
}

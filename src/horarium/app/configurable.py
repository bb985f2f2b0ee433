"""The part of an app that finds its settings and its tasks: Celery's words for it, over ``Configuration``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from horarium import signals
from horarium.app.configuration import Configuration, Defaults
from horarium.app.discovery import Packages, discover
from horarium.settings import Settings
from horarium.settings_names import spelt_like

# What Celery's users may hand to an app, and there is no such part to replace here.
NO_PARTS = frozenset("loader amqp events log control tasks autofinalize".split())


class Announcing(Protocol):
    """A place to which functions can be connected."""

    def send(self, sender: Any) -> None: ...


class Configurable:
    """What every app has of settings. Nothing is read before a setting is first used."""

    conf: Settings
    # Any: connected functions, or a subclass's own method.
    on_configure: Any = None

    def _begin(self, given: Mapping[str, Any], settings: Mapping[str, Any], hook: Callable[[], Announcing]) -> None:
        """Make the settings, from keywords that every app has and from others."""
        self.on_configure = self.on_configure or hook()
        self.conf = Settings()
        self.configuration = Configuration(self.conf, self._configuring)
        self._preparations: list[Callable[[], None]] = []
        self._inspections: list[Callable[[], None]] = []
        self._discoveries: list[tuple[Packages, str | None]] = []  # asked for, and not made yet
        others = {name: value for name, value in settings.items() if name not in NO_PARTS}
        self.conf.update({**others, **spelt_like(others, given)})

    def config_from_object(
        self, obj: Any, silent: bool = False, force: bool = False, namespace: str | None = None
    ) -> Settings | None:
        """Take the settings from a module, an object or a dict, or from what a path names (``shop.conf``,
        ``django.conf:settings``); with a namespace, only from names that begin with it.

        Read at the first use of a setting; at once with ``force``, or if settings were used before. A later
        configuration replaces an earlier one. ``silent``: one that cannot be imported says nothing.
        Raises, when read: ConfigurationNotFound, UnknownSetting, InvalidSetting, ImproperlyConfigured for mixed
        spellings.
        """
        return self.configuration.from_object(obj, silent=silent, force=force, namespace=namespace)

    def config_from_envvar(
        self, variable_name: str, silent: bool = False, force: bool = False
    ) -> Settings | bool | None:
        """The same for the module that an environment variable names. Raises: ImproperlyConfigured if it names none,
        unless ``silent``: then False is returned."""
        return self.configuration.from_envvar(variable_name, silent=silent, force=force)

    def config_from_cmdline(self, argv: Iterable[str], namespace: str = "celery") -> None:
        """Take settings written as ``worker.concurrency=4``; they overrule all others."""
        self.configuration.from_cmdline(argv, namespace)

    def add_defaults(self, fun: Defaults) -> None:
        """Add settings, or a function that returns them, that hold where nobody says otherwise."""
        self.configuration.add_defaults(fun)

    def autodiscover_tasks(
        self, packages: Packages = None, related_name: str | None = "tasks", force: bool = False
    ) -> None:
        """Import ``<package>.tasks`` of each package that has one: when the app is finalized, or now (``force``).

        ``packages`` may be a function that returns them. Without any: those of Django's INSTALLED_APPS. Raises, then:
        ImportError for a package that is not there, and whatever the modules raise.
        """
        if force:
            discover(packages, related_name)
        else:
            self._discoveries.append((packages, related_name))

    def _discover(self) -> None:
        """Make the discoveries that were asked for; one that raises is made again the next time."""
        # No lock is held while modules are imported: another thread that imports one of them may need it.
        while self._discoveries:
            discovery = self._discoveries[0]
            discover(*discovery)
            if discovery in self._discoveries:
                self._discoveries.remove(discovery)

    def before_imports(self, prepare: Callable[[], None]) -> None:
        """Have a framework set up before the app's modules are imported. For fixups."""
        self._preparations.append(prepare)

    def before_start(self, inspect: Callable[[], None]) -> None:
        """Have a framework look the project through before a worker or scheduler starts. For fixups."""
        self._inspections.append(inspect)

    def _prepare(self) -> None:
        """Let the frameworks that it lives in be set up, and tell that modules are about to be imported. Raises: what
        the frameworks raise."""
        for prepare in self._preparations:
            prepare()
        signals.import_modules.send(self)

    def look_through(self) -> None:
        """Let the frameworks look the project through. Raises: ImproperlyConfigured for what they find."""
        for inspect in self._inspections:
            inspect()

    def _configuring(self) -> None:
        """Tell those who wait for it that the settings are about to be read."""
        if hasattr(self.on_configure, "send"):
            self.on_configure.send(self)
        else:
            self.on_configure()

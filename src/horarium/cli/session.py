"""What every command is given: the global options, and from them, when first asked, the app and its store."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from horarium.address import masked
from horarium.cli.exits import Exit, Stop
from horarium.cli.output import Output
from horarium.observe.moments import zone_or_utc

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine


DROPIN = "HORARIUM_DROPIN"  # in the environment: 1 turns drop-in mode on


class Session:
    """One run of the command line. The attributes are the global options, as far as they were given."""

    def __init__(self) -> None:
        self.spec: str | None = None
        self.store: str | None = None
        self.results: str | None = None
        self.workdir: str | None = None
        self.config: str | None = None
        self.loader: str | None = None
        self.skip_checks = False
        self.no_color = False
        self.quiet = False
        self.dropin = os.environ.get(DROPIN, "0") not in ("", "0")

    @cached_property
    def app(self) -> Horarium:
        """The app, with its included modules imported and its store chosen; finding it is done once.

        Raises: AppNotFound, AppImportFailed.
        """
        from horarium.cli.locate import configure, find_app, importing

        self.enter_folder()
        if self.dropin:
            from horarium.dropin import install

            install()
        app = find_app(self.spec, Path.cwd())
        if self.loader:
            self.out.say("note: --loader has no effect: the app is found by -A, its modules by include")
        if self.config:
            configure(app, self.config)
        commanded = {"store": self.store, "result_backend": self.results}
        app.conf.put("command", {name: address for name, address in commanded.items() if address})
        with importing(app):
            app.import_includes()
        return app

    def look_through(self) -> None:
        """Let the framework that the app lives in check the project, before a worker or scheduler starts; not with
        --skip-checks. Raises: ImproperlyConfigured with what it found."""
        if not self.skip_checks:
            self.app.look_through()

    @property
    def engine(self) -> Engine:
        """The app's store, to look into: it is not made. Its own verbs say whether it can be used.

        Raises: Stop when there is none yet.
        """
        from horarium.observe.facts import no_store_yet

        if path := self.absent_store():
            raise Stop(f"{no_store_yet(path)}; a worker or the first call makes it", Exit.NOT_FOUND)
        return self.app.engine

    def absent_store(self) -> Path | None:
        """Return the file that the app's store will be, if nobody has made it yet."""
        from horarium.observe.facts import absent_store

        return absent_store(self.app)

    @cached_property
    def out(self) -> Output:
        """Where words go. Times are shown in the app's zone once the app is known."""
        return Output(quiet=self.quiet, color=not self.no_color)

    @property
    def command(self) -> str:
        """How advice to the person begins: with the same app and store. A URL with a password in it is not shown."""
        own = ["horarium", "celery"] if self.dropin else ["horarium"]
        return " ".join([*own, *(quote(text) if masked(text) == text else "URL" for text in self.given())])

    def advised(self, text: str) -> str:
        """Return a text whose advice to call `horarium ...` names the same app and store too."""
        return text.replace("`horarium ", f"`{self.command} ")

    def given(self) -> list[str]:
        """Return the global options as arguments for a command line of the same app and store."""
        chosen = {"-A": self.spec, "--config": self.config, "--store": self.store, "--result-backend": self.results}
        return [text for name, value in chosen.items() if value for text in (name, value)]

    def enter_folder(self) -> None:
        """Go to --workdir, once."""
        if self.workdir:
            os.chdir(self.workdir)
            self.workdir = None

    def show_times_of_app(self) -> str:
        """Let times be shown in the app's zone; return it."""
        self.out.zone = zone_or_utc(self.app.conf.timezone)
        return self.out.zone

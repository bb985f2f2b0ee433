"""Which tasks there are, for whoever chooses one: those of this project's code and of the workers that live."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from horarium.app.registry import STANDARD, nearest
from horarium.contrib.django.beat.admin.asking import NoAnswer, ask
from horarium.engines.records import MemberRecord

if TYPE_CHECKING:
    from horarium.app.app import Horarium

MOST_OFFERED = 1000
log = logging.getLogger(__name__)


def known_tasks(app: Horarium | None, members: Iterable[MemberRecord] | None = None) -> frozenset[str]:
    """Return the names of the tasks that this project's code or a live worker knows. What cannot be asked is left out.

    ``members`` are those of the store, if they are at hand.
    """
    if app is None:
        return frozenset()
    if members is None:
        try:
            members = ask(app, lambda engine: engine.inspector.workers(now=engine.now()))
        except NoAnswer:  # the page says so where it shows what the store knows
            members = ()
    elsewhere = {name for each in members if each.alive for name in each.member.tasks if not name.startswith(STANDARD)}
    return _own(app) | elsewhere


def unknown_task(name: str, known: Collection[str]) -> str:
    """Return what is to be said of the name of a task that nobody knows; nothing of one that is known."""
    if not name or name in known or name.startswith(STANDARD):
        return ""
    meant = nearest(name, known)
    hint = _(" Did you mean %(name)s?") % {"name": meant} if meant else ""
    return _("No task %(name)s is known to this project or to a live worker.") % {"name": name} + hint


class TaskInput(forms.TextInput):
    """A text field that offers names; whatever else is written in it is taken as well."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"class": "vTextField", "autocomplete": "off", "spellcheck": "false", **(attrs or {})})
        self.offered: Iterable[str] = ()

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Return the field and the list of what it offers."""
        id = f"{(attrs or {}).get('id', name)}_known"
        field = super().render(name, value, {**(attrs or {}), "list": id}, renderer)
        options = format_html_join("", '<option value="{}">', ((each,) for each in islice(self.offered, MOST_OFFERED)))
        return format_html('{}<datalist id="{}">{}</datalist>', field, id, options)


def _own(app: Horarium) -> frozenset[str]:
    try:
        return frozenset(app.tasks.own)
    except Exception:  # the project's modules are imported here: a page must not fail with one of them
        log.exception("the tasks of this project cannot be imported; its admin offers those of live workers")
        return frozenset()

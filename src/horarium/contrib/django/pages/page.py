"""What the admin's pages of runs, queues and workers have in common: the store, permissions, actions, the log.

A page is read whole before it is rendered. A store that cannot be reached is told on the page, after one try of a few
seconds at the most. Before an action is carried out its right is checked here, and the answer where it asks something.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import django
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from horarium.app.current import current_app
from horarium.contrib.django.trail import note
from horarium.engines.protocol import Engine
from horarium.errors import EngineError, ImproperlyConfigured
from horarium.observe.facts import absent_store
from horarium.observe.text import visible

COMMAND = "python manage.py horarium"  # how remedies begin
MOST_CHOSEN = 100  # a page has no more rows
TOLD = 10  # effects that get a line each
REASON_CHARS = 200


class Effect(NamedTuple):
    """What an action did to one thing. ``url``: where to look now."""

    key: str
    text: str
    done: bool = True
    url: str = ""


class Act(NamedTuple):
    """Something that people may do to what a page shows. With ``asks`` it is done only after that was confirmed."""

    name: str
    label: str
    right: str  # the codename of the permission
    does: Callable[[HttpRequest, list[str]], list[Effect]]
    asks: Callable[[list[str]], list[str]] | None = None  # the consequences, a line each
    is_grave: bool = False


class NoStore(Exception):
    """There is no store yet, and whoever only looks does not make it."""


class PageAdmin(admin.ModelAdmin):
    """An admin of things that lie in the store and in no table: a list, a page of each, and actions."""

    list_page: ClassVar[str]
    one_page: ClassVar[str]
    noun: ClassVar[str]

    # For those that derive from it.

    def acts(self) -> Sequence[Act]:
        """Name the actions."""
        raise NotImplementedError

    def list_context(self, request: HttpRequest, engine: Engine) -> dict[str, Any] | HttpResponse:
        """Read what the list shows."""
        raise NotImplementedError

    def one_context(self, request: HttpRequest, engine: Engine, key: str) -> dict[str, Any] | None:
        """Read what the page of one shows; None: there is none."""
        raise NotImplementedError

    def called(self, key: str) -> str:
        """Return what people call the thing of a key."""
        return f"{self.noun} {visible(key)}"

    # What Django asks for.

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view, names = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("", view(self.changelist_view), name=f"{names}_changelist"),
            path("<path:object_id>/history/", view(self.history_view), name=f"{names}_history"),
            path("<path:object_id>/change/", view(self.change_view), name=f"{names}_change"),
        ]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Stand for one that may be gone by now: its log is there all the same."""
        return self.model(pk=object_id)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        self._require("view", request)
        return self._answer(request, self.list_page, None, extra_context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self._require("view", request)
        return self._answer(request, self.one_page, unquote(object_id), extra_context)

    # The steps of these.

    def _answer(self, request: HttpRequest, template: str, key: str | None, extra: Any) -> HttpResponse:
        try:
            engine = open_store()
            if request.method == "POST":
                return self._act(request, key)
            context = self.list_context(request, engine) if key is None else self.one_context(request, engine, key)
        except (EngineError, ImproperlyConfigured, NoStore) as error:
            return self._without_store(request, error, key)
        if isinstance(context, HttpResponse):
            return context
        if context is None and key is not None:
            return self._gone(request, key)
        return self._page(request, template, {**(context or {}), **(extra or {})}, key)

    def _page(
        self, request: HttpRequest, template: str, context: dict[str, Any], key: str | None, status: int = 200
    ) -> HttpResponse:
        title = self.opts.verbose_name_plural.capitalize() if key is None else self.called(key).capitalize()
        everything = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "key": key,
            "shown_key": None if key is None else self.called(key),
            "command": COMMAND,
            "crumbs_are_listed": django.VERSION >= (6, 1),  # 6.0 has a div, and no style for a list
            "zone": timezone.get_current_timezone_name(),
            "acts": [self._offer(request, act) for act in self.acts()],
            **context,
        }
        return TemplateResponse(request, f"horarium/admin/{template}.html", everything, status=status)

    def _offer(self, request: HttpRequest, act: Act) -> dict[str, Any]:
        right = f"{self.opts.app_label}.{act.right}"
        return {
            "name": act.name,
            "label": act.label,
            "right": right,
            "allowed": request.user.has_perm(right),
            "is_grave": act.is_grave,
        }

    def _act(self, request: HttpRequest, key: str | None) -> HttpResponse:
        """Do what was posted, and go back to where it was asked for."""
        act = next((each for each in self.acts() if each.name == request.POST.get("action")), None)
        chosen = map(unquote, request.POST.getlist("_selected_action"))
        keys = list(dict.fromkeys(chosen)) if key is None else [key]
        if act is None or not keys or len(keys) > MOST_CHOSEN:
            messages.warning(request, "Nothing was done: choose an action, and up to 100 rows.")
            return HttpResponseRedirect(request.get_full_path())
        self._require(act.right, request)
        if act.asks is not None and request.POST.get("confirmed") != "yes":
            asked = {
                "act": act,
                "keys": keys,
                "lines": act.asks(keys),
                "back": request.get_full_path(),
                "reason": request.POST.get("reason", "")[:REASON_CHARS],
            }
            return self._page(request, "confirm", asked, key)
        effects = act.does(request, keys)
        done = [(each.key, self.called(each.key), each.text) for each in effects if each.done]
        note(request, self.model, done)
        self._tell(request, effects)
        return HttpResponseRedirect(request.get_full_path())

    def _tell(self, request: HttpRequest, effects: Sequence[Effect]) -> None:
        done = sum(effect.done for effect in effects)
        if len(effects) > TOLD:
            messages.info(request, f"{done} of {len(effects)} done; the first {TOLD} of those that were not:")
            effects = [effect for effect in effects if not effect.done][:TOLD]
        for effect in effects:
            tell = messages.success if effect.done else messages.warning
            name = self.called(effect.key)
            if effect.url:
                tell(request, format_html('{}: <a href="{}">{}</a>', name, effect.url, effect.text))
            else:
                tell(request, f"{name}: {effect.text}")

    def _require(self, right: str, request: HttpRequest) -> None:
        allowed = (
            self.has_view_permission(request)
            if right == "view"
            else request.user.has_perm(f"{self.opts.app_label}.{right}")
        )
        if not allowed:
            raise PermissionDenied

    def _without_store(self, request: HttpRequest, error: Exception, key: str | None) -> HttpResponse:
        """Say why there is nothing to see, and whether what was asked for may have been done."""
        context = {
            "trouble": visible(error, 1000),
            "is_absent": isinstance(error, NoStore),
            "was_asked": request.method == "POST",
        }
        return self._page(request, "away", context, key, status=200 if isinstance(error, NoStore) else 503)

    def _gone(self, request: HttpRequest, key: str) -> HttpResponse:
        return self._page(request, "gone", {"noun": self.noun}, key, status=404)

    def change_url(self, key: str) -> str:
        """Return the address of the page of one."""
        return address(self.admin_site, self.opts.model_name, key)


def address(site: admin.AdminSite, model: str, key: str) -> str:
    """Return the address of the page of a run, a queue or a worker."""
    return str(reverse(f"admin:horarium_{model}_change", args=[quote(key)], current_app=site.name))


def open_store() -> Engine:
    """Return the store of this project's app. Raises: NoStore, ImproperlyConfigured, EngineError."""
    app = current_app()
    if (file := absent_store(app)) is not None:
        raise NoStore(str(file.absolute()))
    engine: Engine = app.connection.engine
    return engine

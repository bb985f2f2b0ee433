"""The admin's pages of runs: what ran, runs and waits; run again, cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from horarium.app.again import repeated
from horarium.app.current import current_app
from horarium.clock import Instant, Seconds
from horarium.contrib.django.pages import question
from horarium.contrib.django.pages.models import Run as RunModel
from horarium.contrib.django.pages.page import Act, Effect, PageAdmin, open_store
from horarium.contrib.django.pages.periodic import addresses_of
from horarium.contrib.django.pages.question import PERIODS, Asked
from horarium.contrib.django.pages.run_page import context_of
from horarium.contrib.django.pages.text import local
from horarium.engines.protocol import Engine
from horarium.engines.records import Counts, Page
from horarium.observe import effects
from horarium.observe.effects import cancel, run_again
from horarium.observe.looks import LOOKS, shown_state
from horarium.outcome import Run

ROWS = 50
EXACT_TO = 10_000  # beyond it nobody needs to know how many there are
NAMES_OFFERED = 500  # of tasks, to choose from


class Row(NamedTuple):
    """A line of the list."""

    run: Run
    state: str
    url: str
    started_same_day: bool
    ended_same_day: bool
    seconds: Seconds | None
    schedule_url: str


@admin.register(RunModel)
class RunAdmin(PageAdmin):
    list_page, one_page, noun = "runs", "run", "run"

    def acts(self) -> Sequence[Act]:
        return (
            Act("retry", "Run again", "retry_run", self._retry),
            Act("revoke", "Cancel", "revoke_run", self._revoke),
            Act("terminate", "Cancel, and stop it if it runs", "revoke_run", self._terminate, is_grave=True),
        )

    def list_context(self, request: HttpRequest, engine: Engine) -> dict[str, Any] | HttpResponse:
        now, asked = engine.now(), question.read(request.GET)
        if asked.q and engine.results.read([asked.q])[0] is not None:
            return HttpResponseRedirect(self.change_url(asked.q))
        after = question.opened(request.GET.get("after", ""), engine.url)
        page = engine.results.search(asked.filter(now), Page(limit=ROWS, after=after))
        counts = engine.inspector.counts(most=EXACT_TO + 1)
        return {
            "rows": self._rows(request, page.runs, now),
            "asked": asked,
            "is_filtered": any(asked),
            "is_first": after is None,
            "first": asked.link() or "?",
            "older": None if page.next is None else f"{_more(asked)}after={question.sealed(page.next, engine.url)}",
            "total": _roughly(sum(counts.states.values())),
            "states": _choices(asked, counts),
            "periods": [
                {"word": "Any time", "link": asked.link(period=""), "is_chosen": not asked.period},
                *(
                    {"word": f"Last {word}", "link": asked.link(period=name), "is_chosen": asked.period == name}
                    for name, (word, _) in PERIODS.items()
                ),
            ],
            "tasks": _tasks()[:NAMES_OFFERED],
            "queues": sorted(filter(str.isprintable, counts.queues)),
        }

    def one_context(self, request: HttpRequest, engine: Engine, key: str) -> dict[str, Any] | None:
        [run] = engine.results.read([key])
        return None if run is None else context_of(self.admin_site, request, engine, run)

    def _rows(self, request: HttpRequest, runs: Iterable[Run], now: Instant) -> list[Row]:
        schedules = addresses_of(request, {run.message.schedule for run in runs if run.message.schedule})
        return [
            Row(
                run=run,
                state=shown_state(run, now),
                url=self.change_url(run.id),
                started_same_day=_is_same_day(run.started, run.message.created),
                ended_same_day=_is_same_day(run.ended, run.message.created),
                seconds=run.took,
                schedule_url=schedules.get(run.message.schedule or "", ""),
            )
            for run in runs
        ]

    def _retry(self, request: HttpRequest, ids: list[str]) -> list[Effect]:
        now = open_store().now()
        return self._told(ids, lambda runs: run_again(current_app(), runs, lambda run: repeated(run, now)))

    def _revoke(self, request: HttpRequest, ids: list[str]) -> list[Effect]:
        return self._cancel(ids, terminate=False)

    def _terminate(self, request: HttpRequest, ids: list[str]) -> list[Effect]:
        return self._cancel(ids, terminate=True)

    def _cancel(self, ids: list[str], *, terminate: bool) -> list[Effect]:
        return self._told(ids, lambda runs: cancel(current_app(), runs, terminate=terminate))

    def _told(self, ids: list[str], act: Callable[[list[Run]], list[effects.Effect]]) -> list[Effect]:
        """Act on those that are known; tell of all, in their order."""
        runs = [run for run in open_store().results.read(ids) if run is not None]
        became = {effect.id: effect for effect in act(runs)}
        return [self._as_told(id, became.get(id)) for id in ids]

    def _as_told(self, id: str, effect: effects.Effect | None) -> Effect:
        if effect is None:
            return Effect(id, "nothing done: nothing is known of it", done=False)
        return Effect(id, effect.text, done=effect.was_done, url=self.change_url(effect.new) if effect.new else "")


def _choices(asked: Asked, counts: Counts) -> list[dict[str, Any]]:
    """Return the states to choose from: those that there are, and the one that is chosen."""
    known = [str(state) for state in LOOKS if state in counts.states or state == asked.state]
    of_tasks = sorted(counts.states.keys() - set(known))
    return [
        {"state": "", "count": "", "link": asked.link(state=""), "is_chosen": not asked.state},
        *(
            {
                "state": state,
                "count": _roughly(counts.states.get(state, 0)),
                "link": asked.link(state=state),
                "is_chosen": asked.state == state,
            }
            for state in [*known, *of_tasks]
        ),
    ]


def _more(asked: Asked) -> str:
    link = asked.link()
    return link if link == "?" else f"{link}&"


def _roughly(number: int) -> str:
    return f"{EXACT_TO:,}+" if number > EXACT_TO else f"{number:,}"


def _tasks() -> list[str]:
    return sorted(name for name in current_app().tasks if not name.startswith(("celery.", "horarium.")))


def _is_same_day(one: Instant | None, other: Instant) -> bool:
    return one is not None and local(one).date() == local(other).date()

"""What a bridge is to do, as the command line says it; checked before anything is opened, then made into its parts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from horarium.address import masked
from horarium.bridge.bridge import Bridge, Stops
from horarium.bridge.carrier import check_url
from horarium.bridge.celery_results import check_results
from horarium.bridge.inbound import Inbound
from horarium.bridge.mirror import Mirror
from horarium.bridge.outbound import Outbound
from horarium.bridge.part import Counts, Part, Surroundings
from horarium.clock import FOREVER, Seconds
from horarium.engines.records import MaintenancePolicy
from horarium.errors import ImproperlyConfigured
from horarium.event import Observer

if TYPE_CHECKING:
    from horarium.app.app import Horarium

PATIENCE: Seconds = 86_400.0  # Celery's own default for how long it keeps a result


class Plan(Struct, frozen=True, kw_only=True):
    """``inwards``: from queues there to queues here; ``outwards``: from queues here to queues there. ``results``: the
    Redis in which Celery keeps results, None for none."""

    source: str | None = None
    inwards: Mapping[str, str] = {}
    target: str | None = None
    outwards: Mapping[str, str] = {}
    tasks: tuple[str, ...] = ()
    results: str | None = None
    patience: Seconds = PATIENCE

    def check(self) -> None:
        """Raises: ImproperlyConfigured for what cannot be bridged."""
        for url in (self.source, self.target):
            if url is not None:
                check_url(url)
        if self.results is not None:
            check_results(self.results)
        loop = sorted(set(self.inwards) & set(self.outwards.values())) if self.source == self.target else []
        if loop:
            raise ImproperlyConfigured(
                f"expected the two directions to have different queues, got {', '.join(loop)} in both: messages would "
                "go round in circles; name other queues for one of them"
            )
        both = sorted(set(self.inwards.values()) & set(self.outwards))
        if both:
            raise ImproperlyConfigured(
                f"expected what comes in to go to other queues than what goes out, got {', '.join(both)} in both; "
                "write THERE=HERE to give it another name here"
            )


def bridge_of(app: Horarium, plan: Plan, *, name: str | None, observer: Observer) -> Bridge:
    """Return a bridge that is ready to run. Raises: ImproperlyConfigured."""
    plan.check()
    stops = Stops()
    around = Surroundings(
        app=app,
        name=name or f"bridge@{os.uname().nodename}",
        observer=observer,
        counts=Counts(),
    )
    keep = FOREVER if app.conf.result_expires is None else app.conf.result_expires
    parts: list[Part] = []
    if plan.source is not None:
        parts.append(Inbound(around, plan.source, plan.inwards, plan.results))
    if plan.target is not None:
        policy = MaintenancePolicy(crash_limit=app.conf.worker_crash_limit, keep=keep)
        parts.append(
            Outbound(
                around,
                plan.target,
                plan.outwards,
                plan.results,
                tasks=plan.tasks,
                patience=plan.patience,
                policy=policy,
            )
        )
    if plan.source is not None and plan.results is not None:
        parts.append(Mirror(around, plan.results, keep=keep))
    return Bridge(around, parts, _ways(plan), stops)


def _ways(plan: Plan) -> tuple[str, ...]:
    """Say for people what goes where."""
    ways = []
    if plan.source is not None:
        ways.append(f"in       {masked(plan.source)}: {_named(plan.inwards)}")
    if plan.target is not None:
        only = f" (only {', '.join(plan.tasks)})" if plan.tasks else ""
        ways.append(f"out      {masked(plan.target)}: {_named(plan.outwards)}{only}")
    ways.append(f"results  {masked(plan.results) if plan.results else 'none: nobody on the other side learns of ends'}")
    return tuple(ways)


def _named(queues: Mapping[str, str]) -> str:
    return ", ".join(here if here == there else f"{here} -> {there}" for here, there in queues.items())

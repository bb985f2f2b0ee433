"""What operators have switched, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from horarium.app.switches import Switch
from horarium.clock import dated
from horarium.observe.facts import Facts
from horarium.observe.finding import Finding, note


def judge_switches(facts: Facts) -> Iterator[Finding]:
    """Name every switch: what is paused looks like a fault to whoever does not know."""
    for switch in facts.switched.switches:
        match switch.kind:
            case "task":
                yield paused_task(facts, switch, f"task {switch.name!r}")
            case "queue":
                yield paused_queue(facts, switch, f"queue {switch.name!r}")
            case "rate":
                yield note(
                    "rate-changed",
                    f"the rate limit of task {switch.name!r} is {switch.rate or 'none'}{by_whom(switch, facts.zone)}",
                    about=switch.name,
                )


def paused_task(facts: Facts, switch: Switch, what: str) -> Finding:
    """Say that a task is paused, by whom and why."""
    remedy = f"{facts.command} tasks resume {quote(switch.name)}"
    return note("task-paused", f"{what} is paused{by_whom(switch, facts.zone)}", remedy, about=switch.name)


def paused_queue(facts: Facts, switch: Switch, what: str) -> Finding:
    """Say that a queue is paused, by whom and why."""
    remedy = f"{facts.command} queues resume {quote(switch.name)}"
    return note("queue-paused", f"{what} is paused{by_whom(switch, facts.zone)}", remedy, about=switch.name)


def by_whom(switch: Switch, zone: str) -> str:
    """Return who turned a switch, since when, and why."""
    return f" by {switch.by} since {dated(switch.at, zone)}" + (f": {switch.reason}" if switch.reason else "")

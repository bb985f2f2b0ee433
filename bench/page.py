"""The part of README.md that `make bench` remakes from what it kept: a chart, a table of figures, one of settings.

Figures of one table are always of one run. A whole run is one of all default scenarios and all peers at full size;
what is measured only when asked for (RARE) comes from the newest run that has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.bars import judge
from bench.peers import PEERS
from bench.run import Entry, Report
from bench.scenario import Figure, Scenario, Size
from bench.scenarios import DEFAULT, RARE

BEGIN, END = "<!-- made by `make bench` from here", "made by `make bench` to here -->"
CHART = "chart.svg"  # beside the README


class Column(Struct, frozen=True, kw_only=True):
    """One metric, as a column of the table."""

    heading: str
    scenario: str
    metric: str


COLUMNS = (
    Column(heading="tasks/s", scenario="drain", metric="tasks"),
    Column(heading="worker us/task", scenario="drain", metric="worker's cpu a task"),
    Column(heading="server us/task", scenario="drain", metric="server's cpu a task"),
    Column(heading="calls/s, one by one", scenario="publish", metric="one by one"),
    Column(heading="calls/s, in bulk", scenario="publish", metric="in bulk"),
    Column(heading="start after, p50 ms", scenario="latency", metric="p50"),
    Column(heading="p99 ms", scenario="latency", metric="p99"),
    Column(heading="startup s", scenario="startup", metric="first done"),
    Column(heading="idle %", scenario="idle", metric="cpu"),
    Column(heading="PSS MiB", scenario="memory", metric="PSS"),
    Column(heading="import ms", scenario="import", metric="time"),
    Column(heading="child killed, s", scenario="recovery", metric="child"),
    Column(heading="host killed, s", scenario="recovery", metric="host"),
)

SCHEDULES = ("due", "million", "lateness")
SCHEDULE_COLUMNS = (
    Column(heading="1,000 of 10,000 due, s", scenario="due", metric="until enqueued, 1,000 of 10,000 due"),
    Column(heading="10,000 due, s", scenario="due", metric="until enqueued, 10,000 of 10,000 due"),
    Column(heading="100,000 due, s", scenario="due", metric="until enqueued, 100,000 of 100,000 due"),
    Column(heading="firings/s, 1,000 of 10,000", scenario="due", metric="rate, 1,000 of 10,000 due"),
    Column(heading="firings/s, 10,000", scenario="due", metric="rate, 10,000 of 10,000 due"),
    Column(heading="firings/s, 100,000", scenario="due", metric="rate, 100,000 of 100,000 due"),
    Column(heading="late, p50 ms", scenario="lateness", metric="p50"),
    Column(heading="p99 ms", scenario="lateness", metric="p99"),
    Column(heading="10^6 stored: storing, s", scenario="million", metric="storing them"),
    Column(heading="start to firing, s", scenario="million", metric="start to first firing"),
    Column(heading="resident MiB", scenario="million", metric="resident"),
    Column(heading="idle %", scenario="million", metric="cpu"),
    Column(heading="server idle %", scenario="million", metric="server's cpu"),
    Column(heading="edit to firing, worst s", scenario="million", metric="edit to firing, worst"),
)


def newest(results: Path, wanted: Callable[[Report], bool]) -> Report | None:
    """Return the newest kept report that is wanted; those of an older form are passed over."""
    for path in sorted(results.glob("*.json"), reverse=True):
        try:
            report = msgspec.json.decode(path.read_bytes(), type=Report)
        except msgspec.ValidationError:
            continue  # its form is an older one
        if wanted(report):
            return report
    return None


def is_whole(report: Report) -> bool:
    """Tell whether a report is one of everything that a run measures unless told otherwise."""
    scenarios = {scenario.name for scenario in DEFAULT}
    peers = {peer.name for peer in PEERS if scenarios & set(peer.scenarios)}
    return scenarios <= set(report.scenarios) and peers <= set(report.peers) and report.size == Size()


def rare_ones(results: Path) -> dict[str, Report]:
    """Return the newest report of each scenario that is measured only when asked for; those of schedules, which share
    a table, are of one run."""
    found = {scenario.name: newest(results, partial(_has, scenarios=_together(scenario.name))) for scenario in RARE}
    return {name: report for name, report in found.items() if report is not None}


def _together(scenario: str) -> tuple[str, ...]:
    return SCHEDULES if scenario in SCHEDULES else (scenario,)


def _has(report: Report, scenarios: tuple[str, ...]) -> bool:
    return set(scenarios) <= set(report.scenarios) and report.size == Size()


def remake(readme: Path, results: Path) -> str:
    """Put the newest whole report into the README, chart and tables; say what was done."""
    if (report := newest(results, is_whole)) is None:
        return f"{readme} stays as it is: there is no whole report in {results}"
    from bench.chart import draw  # needs matplotlib, which the bench's own environment has

    draw(report, readme.parent / CHART)
    insert(readme, "\n".join(lines(report, rare_ones(results))))
    return f"{readme} shows the report of {report.begun}"


def insert(readme: Path, made: str) -> None:
    """Replace what stands between the marks. Raises: ValueError where there are none."""
    text = readme.read_text()
    before, begin, rest = text.partition(BEGIN)
    head, _, rest = rest.partition("\n")
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected the marks {BEGIN!r} and {END!r} in {readme}, found none; put them back")
    readme.write_text(f"{before}{BEGIN}{head}\n\n{made}\n\n<!-- {END}{after}")


def lines(report: Report, rare: Mapping[str, Report]) -> Iterator[str]:
    """Yield the Markdown of a report, and of those that measured what is rarely measured, by scenario."""
    yield from _conditions(report)
    yield f"\n![Tasks worked off each second, and the time from call to start, by peer]({CHART})\n"
    yield from _table(report)
    for name, measured in rare.items():
        if name not in SCHEDULES:
            yield from _rare(name, measured)
        elif name == SCHEDULES[0]:
            yield from _schedules(measured)
    yield from _settings(report)
    yield from _bars(report, rare)


def _conditions(report: Report) -> Iterator[str]:
    machine = report.machine
    yield f"Taken {report.begun[:16].replace('T', ' ')} UTC; {report.size.rounds} rounds; {machine['cpu']};"
    yield f"{machine['kernel']}; {machine['python']}; stores in {machine['stores in'].partition(' ')[2]}."
    yield f"Before: {report.pulses['before']}.\n"
    for name, fact in report.servers.items():
        yield f"- {name}: {fact}"


def _table(report: Report) -> Iterator[str]:
    yield "Medians of all rounds (p99: of all samples); lowest and highest in parentheses where rounds differ.\n"
    yield from _rows(report, COLUMNS)
    for name, reason in report.absent.items():
        yield f"\n{name} took no part: {reason}"
    for failure in report.failures:
        yield f"\nfailed: {failure.partition(':')[0]}"


def _rows(report: Report, columns: Sequence[Column]) -> Iterator[str]:
    yield _row(["", *(column.heading for column in columns)])
    yield _row(["---", *("---:" for _ in columns)])
    for peer in PEERS:
        if any(report.entry(column.scenario, peer.name) for column in columns):
            yield _row([peer.label, *(_cell(report, column, peer.name) for column in columns)])


def _cell(report: Report, column: Column, peer: str) -> str:
    if (entry := report.entry(column.scenario, peer)) is None:
        return ""
    for figure in entry.figures:
        if figure.metric == column.metric:
            return _figure(figure, ranged=column.scenario in ("drain", "publish") and "us" not in column.heading)
    return entry.facts.get(column.metric, "")


def _figure(figure: Figure, *, ranged: bool) -> str:
    spread = f" ({_number(figure.low)} - {_number(figure.high)})" if ranged and figure.samples > 1 else ""
    return f"{_number(figure.value)}{spread}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _rare(name: str, report: Report) -> Iterator[str]:
    (scenario,) = (scenario for scenario in RARE if scenario.name == name)
    entries = [entry for entry in report.entries if entry.scenario == name and entry.figures]
    yield f"\n### {name.capitalize()} ({report.begun[:10]})\n"
    yield f"{_sentence(scenario)} Medians.\n"
    yield _row(["", *(entry.label for entry in entries)])
    yield _row(["---", *("---:" for _ in entries)])
    for metric in scenario.metrics:
        yield _row([f"{metric.name}, {metric.unit}", *(_value(entry, metric.name) for entry in entries)])


def _schedules(report: Report) -> Iterator[str]:
    yield f"\n### Schedules ({report.begun[:10]})\n"
    yield f"One scheduler, no worker; {report.size.rounds} rounds; before: {report.pulses['before']}."
    yield "Schedules due at one instant, and how long until all are enqueued; 100 firings a second, and how late a"
    yield "reader of the queue has them; a million stored schedules, none due. Medians (p99: of all samples).\n"
    yield from _rows(report, SCHEDULE_COLUMNS)
    yield ""
    for entry in report.entries:
        if entry.scenario == "due":
            yield f"- {entry.label}: {'; '.join(f'{name}: {fact}' for name, fact in entry.facts.items())}"
    for failure in report.failures:
        yield f"\nfailed: {failure.partition(':')[0]}"


def _sentence(scenario: Scenario) -> str:
    return f"{scenario.question[0].upper()}{scenario.question[1:]}."


def _value(entry: Entry, metric: str) -> str:
    return next((_number(figure.value) for figure in entry.figures if figure.metric == metric), "")


def _settings(report: Report) -> Iterator[str]:
    yield "\n### Versions and settings of that run\n"
    yield _row(
        [
            "",
            "a killed worker's task, as its documentation has it",
            "versions and settings, as the peer itself tells them",
        ]
    )
    yield _row(["---", "---", "---"])
    for peer in PEERS:
        facts: dict[str, str] = {}
        for entry in (entry for entry in report.entries if entry.peer == peer.name and entry.scenario != "recovery"):
            facts |= entry.facts
        if facts:
            told = "; ".join(f"{name}: {fact}" for name, fact in facts.items() if name != "import")
            yield _row([peer.label, peer.killed, told])


def _bars(report: Report, rare: Mapping[str, Report]) -> Iterator[str]:
    yield "\n### The bars in that run\n"
    yield _row(["bar", "", "found"])
    yield _row(["---", "---", "---"])
    names = tuple(scenario.name for scenario in RARE)
    judged = [judgement for judgement in judge(report) if not judgement.bar.startswith(names)]
    for name, measured in rare.items():
        judged += [judgement for judgement in judge(measured) if judgement.bar.startswith(name)]
    for judgement in judged:
        yield _row([judgement.bar, judgement.state, judgement.found])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/').replace(chr(10), ' ') for cell in cells)} |"

"""The report, for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bench.bars import Judgement
from bench.run import Report
from bench.scenario import Figure, Scenario


def show(report: Report, scenarios: tuple[Scenario, ...], console: Console) -> None:
    """Print machine, one table per scenario, who took no part, and what failed."""
    for name, fact in report.machine.items():
        console.print(f"{name}: {fact}", highlight=False)
    for name, fact in report.servers.items():
        console.print(f"{name}: {fact}", highlight=False)
    for instant, pulse in report.pulses.items():
        console.print(f"{instant}: {pulse}", highlight=False)
    for scenario in scenarios:
        if any(entry.scenario == scenario.name for entry in report.entries):
            console.print(_table(report, scenario))
    for label, facts in _facts(report).items():
        told = "; ".join(f"{name}: {fact}" for name, fact in facts.items())
        console.print(f"{label}: {told}", highlight=False, markup=False)
    for name, reason in report.absent.items():
        console.print(f"not here: {name}: {reason}", highlight=False, markup=False)
    for failure in report.failures:
        console.print(f"FAILED: {failure}", highlight=False, markup=False)


def show_bars(judgements: list[Judgement], console: Console) -> None:
    """Print each bar and what was found."""
    table = Table(title="Bars", title_justify="left")
    for heading in ("bar", "", "found"):
        table.add_column(heading)
    for judgement in judgements:
        table.add_row(judgement.bar, judgement.state, judgement.found)
    console.print(table)


def _table(report: Report, scenario: Scenario) -> Table:
    table = Table(title=f"{scenario.name}: {scenario.question}", title_justify="left")
    for heading in ("", "metric", "value", "min - max", "samples", "of Horarium's"):
        table.add_column(heading, justify="left" if heading in ("", "metric") else "right")
    for entry in (entry for entry in report.entries if entry.scenario == scenario.name):
        for figure in entry.figures:
            ours = report.value(scenario.name, entry.beside, figure.metric)
            table.add_row(entry.label, figure.metric, *_cells(figure), f"{figure.value / ours:.2f}x" if ours else "")
        taken = {figure.metric for figure in entry.figures}
        for metric in (metric.name for metric in scenario.metrics if metric.name not in taken):
            if metric in entry.facts:  # said in words why there is no figure
                table.add_row(entry.label, metric, entry.facts[metric], "", "", "")
    return table


def _facts(report: Report) -> dict[str, dict[str, str]]:
    """Gather what each peer said of itself, over all scenarios."""
    facts: dict[str, dict[str, str]] = {}
    for entry in report.entries:
        facts.setdefault(entry.label, {}).update(entry.facts)
    return facts


def _cells(figure: Figure) -> tuple[str, str, str]:
    unit = f" {figure.unit}" if figure.unit not in ("", "/s") else figure.unit
    return f"{_number(figure.value)}{unit}", f"{_number(figure.low)} - {_number(figure.high)}", str(figure.samples)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

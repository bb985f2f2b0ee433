"""The page of the metrics, from the table that they are made of."""

from __future__ import annotations

from horarium.dashboard.metrics import FAMILIES

INTRODUCTION = """\
# Metrics

<!-- Made by docs/generate.py from src/horarium/dashboard/metrics/families.py. -->

`horarium web` tells them at `/metrics` in Prometheus' text format, to whoever may look (viewer): give Prometheus a
token or a password, as in [use the API](../how-to/use-the-api.md). They are read from the store, so every dashboard
of a store tells the same, and one of them is enough to scrape. A question costs the store a fixed few look-ups,
however many runs it keeps.

**What counters count from.** Those of tasks are counted by workers, in batches, and summed from buckets of an hour;
the sum is kept in the store. They begin with the hour in which `/metrics` is first asked for, go on when a
dashboard or a worker starts anew, and begin anew only when the store is made anew or nobody asks for 90 days. What
a worker adds more than 15 minutes after the end of an hour (it was cut off from the store) is in the charts, but
not in these counters. `horarium_worker_processed_total` begins anew with each worker's process, those of a schedule
when it is deleted and made again. `rate()` and `increase()` see all of that.

**Histograms** have the buckets of the store: 1 ms to a day, about 2.2-fold each.

| Metric | Kind | Labels | What it tells |
|---|---|---|---|
"""


def metrics_page() -> str:
    """Return the page of all metrics."""
    rows = []
    for name, family in FAMILIES.items():
        labels = ", ".join(f"`{label}`" for label in family.labels) or "–"
        rows.append(f"| `{name}` | {family.kind} | {labels} | {family.help} |\n")
    return INTRODUCTION + "".join(rows)

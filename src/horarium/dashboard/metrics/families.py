"""Every metric there is: its name, kind, labels and what it means. The reference page is made from this table."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["counter", "gauge", "histogram"]


class Family(Struct, frozen=True, kw_only=True):
    """One metric. ``_total`` belongs to the name of a counter."""

    kind: Kind
    labels: tuple[str, ...] = ()
    help: str


def _family(kind: Kind, labels: str, help: str) -> Family:
    return Family(kind=kind, labels=tuple(labels.split()), help=help)


FAMILIES: dict[str, Family] = {
    "horarium_info": _family("gauge", "version", "Always 1; which version answers."),
    "horarium_task_outcomes_total": _family(
        "counter", "task queue outcome", "What came of starts: succeeded failed retried revoked expired crashed ..."
    ),
    "horarium_task_run_seconds": _family("histogram", "task queue", "How long tasks ran."),
    "horarium_task_wait_seconds": _family("histogram", "task queue", "How long messages waited, from due to start."),
    "horarium_queue_messages": _family(
        "gauge", "queue state", "Messages that have not ended: ready, scheduled (due later), blocked, in_hand."
    ),
    "horarium_queue_oldest_seconds": _family("gauge", "queue", "How long the longest waiting ready message is due."),
    "horarium_queue_workers": _family("gauge", "queue", "Live workers that read the queue."),
    "horarium_queue_paused": _family("gauge", "queue", "1: an operator has paused it."),
    "horarium_workers": _family("gauge", "", "Live workers."),
    "horarium_schedulers": _family("gauge", "", "Live schedulers."),
    "horarium_worker_slots": _family("gauge", "worker", "Runs that a worker can have at once."),
    "horarium_worker_running": _family("gauge", "worker", "Runs that a worker has now."),
    "horarium_worker_processed_total": _family(
        "counter",
        "worker pid",
        "Runs that a worker's process and its living children have ended; begins anew with each.",
    ),
    "horarium_worker_memory_bytes": _family("gauge", "worker", "Resident memory of a worker and its children."),
    "horarium_schedules": _family(
        "gauge", "condition", "Schedules by how they fare: ok, late, failing, never ran, paused ..."
    ),
    "horarium_schedules_not_looked_at": _family(
        "gauge", "", "Schedules beyond the first 1,000, which are not told of."
    ),
    "horarium_schedule_healthy": _family("gauge", "schedule", "0: it is late, fails, or cannot fire."),
    "horarium_schedule_late_seconds": _family(
        "gauge", "schedule", "How long ago the earliest instant was that a late one owes a success for; else 0."
    ),
    "horarium_schedule_next_timestamp_seconds": _family("gauge", "schedule", "When it fires next."),
    "horarium_schedule_runs_total": _family("counter", "schedule", "Runs that it has sent."),
    "horarium_schedule_missed_total": _family("counter", "schedule", "Due instants that were passed over."),
    "horarium_schedule_skipped_total": _family(
        "counter", "schedule", "Due instants not sent because earlier runs were still active."
    ),
    "horarium_schedule_failures": _family("gauge", "schedule", "Failures in a row."),
    "flower_events_total": _family(
        "counter", "worker type task", "Flower's: events by type; worker is empty, since tasks are counted fleet-wide."
    ),
    "flower_task_runtime_seconds": _family(
        "histogram", "worker task", "Flower's: how long tasks ran; worker is empty."
    ),
    "flower_task_prefetch_time_seconds": _family(
        "gauge",
        "worker task",
        "Flower's: how long a task waited for its start, the mean of the last 5 minutes; in the queue, since workers "
        "take only what they can start. worker is empty.",
    ),
    "flower_worker_prefetched_tasks": _family(
        "gauge", "worker task", "Flower's: what a worker has taken and not started; task is empty."
    ),
    "flower_worker_online": _family("gauge", "worker", "Flower's: 1 while a worker lives, 0 for an hour after it."),
    "flower_worker_number_of_currently_executing_tasks": _family("gauge", "worker", "Flower's: runs of a worker now."),
}

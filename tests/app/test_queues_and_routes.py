"""Which queues there are, where routes lead, and the options of calls that mean nothing here."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from horarium import Horarium, crontab, every
from horarium.errors import InvalidArguments, InvalidSchedule, QueueNotFound
from horarium.message import Message
from horarium.observe.checks import check_app
from horarium.testing import drain
from horarium.worker.options import options_from


def message_of(result: Any) -> Message:
    message: Message = result.run.message
    return message


def test_a_worker_that_is_told_no_queue_reads_all_there_are(app: Horarium) -> None:
    app.conf.task_queues = ["heavy", "mail"]
    assert options_from(app.conf).queues == ("heavy", "mail", "default")
    assert options_from(app.conf, queues=("mail",)).queues == ("mail",)


def test_a_queue_that_is_not_there_is_refused_if_none_may_be_made(app: Horarium) -> None:
    app.conf.update(task_queues=["mail"], task_create_missing_queues=False)
    assert message_of(app.send_task("a", queue="mail")).queue == "mail"
    assert message_of(app.send_task("a")).queue == "default"
    with pytest.raises(
        QueueNotFound, match=r"^expected one of the queues default, mail, got 'heavy'; add it"
    ) as refusal:
        app.send_task("a", queue="heavy")
    assert isinstance(refusal.value, KeyError)
    with pytest.raises(QueueNotFound):
        app.send_task("a", link=app.signature("b", queue="heavy"))
    app.conf.task_routes = {"a": "heavy"}
    with pytest.raises(QueueNotFound):
        app.send_task("a")
    assert message_of(app.send_task("a", queue="mail")).queue == "mail"


def test_a_call_of_a_task_inherits_its_priority_if_so_chosen(app: Horarium) -> None:
    @app.task(name="child")
    def child() -> None: ...

    @app.task(name="firm", priority=2)
    def firm() -> None: ...

    @app.task(name="parent")
    def parent() -> list[str]:
        return [child.delay().id, firm.delay().id, child.apply_async(priority=1).id, child.apply_async(countdown=1).id]

    def priorities() -> list[int]:
        result = parent.apply_async(priority=8)
        drain(app)
        return [message_of(app.AsyncResult(id)).priority for id in result.get(timeout=1)]

    assert priorities() == [5, 2, 1, 5]
    app.conf.task_inherit_parent_priority = True
    assert priorities() == [8, 2, 1, 8]


class Router:
    """Routes as Celery's users wrote them before functions."""

    def route_for_task(self, task: str, args: Any = None, kwargs: Any = None) -> dict[str, Any] | None:
        return {"queue": f"routed-{len(args)}"} if task == "by.object" else None


def by_size(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **kw: Any) -> Any:
    return {"queue": "large", "priority": 1, "expires": 60} if args and args[0] > 10 else None


class Queue:
    name = "of-kombu"


@pytest.mark.parametrize(
    ("routes", "queue"),
    [
        ({"by.object": {"queue": "q"}}, "q"),
        ({"by.*": "q"}, "q"),
        ([("by.*", {"queue": "q"}), ("*", {"queue": "rest"})], "q"),
        ([{"other": "no"}, {"by.object": "q"}], "q"),
        ([[("by.*", "q")]], "q"),
        ({re.compile(r"(by|to)\..*"): {"queue": "q"}}, "q"),
        (by_size, "large"),
        (f"{__name__}.by_size", "large"),
        ([f"{__name__}:by_size"], "large"),
        (Router(), "routed-1"),
        (f"{__name__}.Router", "routed-1"),
        ([Router(), by_size], "routed-1"),
        ({"by.object": {"queue": Queue()}}, "of-kombu"),
        ({"by.object": {"routing_key": "key", "exchange": "e", "delivery_mode": 1}}, "key"),
        ({"other": "no"}, "default"),
    ],
)
def test_routes_are_taken_in_every_form(app: Horarium, routes: Any, queue: str) -> None:
    app.conf.task_routes = routes
    assert message_of(app.send_task("by.object", (11,))).queue == queue
    assert message_of(app.send_task("by.object", (11,), queue="said")).queue == "said"


def test_a_route_may_choose_other_options_of_the_call(app: Horarium) -> None:
    app.conf.task_routes = {"a": {"queue": "q", "priority": 7, "time_limit": 30, "max_retries": 1}}
    message = message_of(app.send_task("a", max_retries=2))
    assert (message.queue, message.priority, message.time_limit, message.max_retries) == ("q", 7, 30, 2)


def test_exact_names_and_globs_lead_to_queues_and_unread_ones_are_told_row_48(app: Horarium) -> None:
    app.conf.task_routes = {
        "apps.studies.tasks.process_large_file": {"queue": "heavy"},
        "apps.notifications.tasks.*": {"queue": "notifications"},
    }
    app.task(name="apps.studies.tasks.process_large_file")(lambda: None)
    app.task(name="apps.notifications.tasks.send")(lambda: None)
    assert message_of(app.send_task("apps.studies.tasks.process_large_file")).queue == "heavy"
    assert message_of(app.send_task("apps.notifications.tasks.send")).queue == "notifications"
    told = [finding.text for finding in check_app(app)]
    assert [("-Q heavy" in text, "-Q notifications" in text) for text in told] == [(True, False), (False, True)]
    app.conf.task_queues = ["heavy", "notifications"]
    assert check_app(app) == []


@pytest.mark.parametrize(
    "options",
    [
        {"exchange": "e", "exchange_type": "topic", "delivery_mode": 2},
        {"compression": "gzip", "retry_policy": {"max_retries": 3}},
        {"connection": object(), "producer": object(), "publisher": object()},
        {"add_to_parent": False, "reply_to": "q", "serializer": "json"},
    ],
)
def test_options_of_celery_that_mean_nothing_here_are_taken(app: Horarium, options: dict[str, Any]) -> None:
    task = app.task(name="a")(lambda: None)
    assert message_of(task.apply_async(**options)).queue == "default"
    assert message_of(app.send_task("b", **options)).queue == "default"
    task.signature((), {}, **options).freeze()


def test_a_shadow_travels_as_a_header(app: Horarium) -> None:
    @app.task(name="a", bind=True)
    def a(self: Any) -> str:
        shadow: str = self.request.shadow
        return shadow

    result = a.apply_async(shadow="shown", headers={"trace": "1"})
    drain(app)
    assert message_of(result).headers == {"trace": "1", "shadow": "shown"}
    assert result.get(timeout=1) == "shown"


@pytest.mark.parametrize("serializer", ["pickle", "yaml", "msgpack"])
def test_another_serializer_is_refused_with_what_to_use(app: Horarium, serializer: str) -> None:
    with pytest.raises(InvalidArguments, match="JSON only: pass ids and plain values"):
        app.send_task("a", serializer=serializer)


def test_a_schedules_options_without_effect_are_taken_and_told(app: Horarium) -> None:
    app.task(name="a")(lambda: None)
    app.conf.beat_schedule = {
        "s": {"task": "a", "schedule": 10, "options": {"exchange": "e", "queue": "q", "expires": 5}}
    }
    (finding,) = check_app(app)
    assert "option exchange has no effect in Horarium: a queue's name" in finding.text
    assert finding.level == "note"


def test_a_moment_at_which_each_firing_would_expire_is_refused(app: Horarium) -> None:
    entry = {"task": "a", "schedule": 10, "options": {"expires": datetime(2030, 1, 1, tzinfo=UTC)}}
    with pytest.raises(InvalidSchedule, match=r"options\['expires'\].*in seconds after the firing; see also end"):
        app.schedule_entry("s", entry)


def test_a_deadline_of_crontabs_is_the_window_of_those_that_name_none(app: Horarium) -> None:
    app.conf.beat_cron_starting_deadline = 120
    window = lambda **entry: app.schedule_entry("s", {"task": "a", **entry}).catchup_window  # noqa: E731
    assert window(schedule=crontab(minute=0)) == 120
    assert window(schedule=crontab(minute=0), catchup_window=5) == 5
    assert window(schedule=every(minutes=5)) == 86_400


def test_a_firing_is_routed_by_a_function_too(app: Horarium) -> None:
    app.conf.task_routes = by_size
    entry = app.schedule_entry("s", {"task": "a", "schedule": 10, "args": [11]})
    fired = app.producer.message_for("a", entry.args, entry.kwargs, entry.options, now=app.now(), schedule="s")
    assert (fired.queue, fired.priority) == ("large", 1)

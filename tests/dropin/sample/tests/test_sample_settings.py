"""Settings, routes, and what is made from them."""

import celery
from celery import Celery
from celery.schedules import crontab, schedule
from sample import tasks

PATIENCE = 20


def test_settings_are_read_from_the_module(app):
    assert app.conf.task_default_queue == "sample"
    assert app.conf.result_expires == 3600
    assert app.conf["timezone"] == "Europe/Berlin"
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.beat_schedule["tick"]["task"] == "sample.tasks.note"
    assert app.conf.get("no_such_setting", "default") == "default"


def test_a_route_sends_a_task_to_its_queue():
    result = tasks.slow_add.delay(1, 2)
    assert result.get(timeout=PATIENCE) == 3
    assert result.queue == "slow"


def test_a_queue_can_be_named_with_the_call():
    assert tasks.who_am_i.apply_async(queue="slow").get(timeout=PATIENCE)["queue"] == "slow"


def test_a_second_app_shares_nothing_with_the_first(app):
    other = Celery("other", broker="memory://", set_as_current=False)
    other.conf.update(task_default_queue="elsewhere")

    @other.task(name="other.double")
    def double(x):
        return 2 * x

    assert double(4) == 8
    assert double.apply((5,)).get() == 10
    assert "other.double" in other.tasks
    assert "other.double" not in app.tasks
    assert app.conf.task_default_queue == "sample"
    assert celery.current_app.main == "sample"


def test_schedules_are_values():
    assert crontab(minute="*/15", hour="8-18") == crontab(minute="*/15", hour="8-18")
    assert crontab(minute=0).hour == set(range(24))
    assert schedule(run_every=60.0).run_every.total_seconds() == 60


def test_the_version_can_be_compared():
    assert tuple(int(part) for part in celery.__version__.partition("+")[0].split(".")[:2]) >= (5, 0)
    assert celery.VERSION >= (5, 0)

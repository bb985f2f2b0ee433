"""Settings, schedules, options and parts are found wherever they stand, and judged by what Horarium does with them."""

from __future__ import annotations

from textwrap import dedent

import pytest

from horarium.moving.code import find_in_code
from horarium.moving.report import Found
from horarium.moving.schedules import find_periodic
from horarium.moving.settings import config_modules, find_settings, parts_of_apps
from horarium.moving.source import Source


def source(text: str, path: str = "proj/settings.py") -> Source:
    return Source(path, dedent(text).encode())


def settings(text: str, *, is_config: bool = False) -> dict[str, tuple[str, str]]:
    """Return verdict and advice by what was found."""
    return {one.what: (one.verdict, one.advice) for one in find_settings(source(text), is_config=is_config)}


def in_code(text: str) -> list[Found]:
    return find_in_code(source(f"from celery import Celery, shared_task\napp = Celery()\n{dedent(text)}"))


@pytest.mark.parametrize(
    ("text", "what", "verdict"),
    [
        ("CELERY_TASK_TIME_LIMIT = 30 * 60", "CELERY_TASK_TIME_LIMIT (task_time_limit)", "works"),
        ("CELERY_TIMEZONE = TIME_ZONE", "CELERY_TIMEZONE (timezone)", "works"),
        ("CELERYD_CONCURRENCY = 4", "CELERYD_CONCURRENCY (worker_concurrency)", "works"),
        ("CELERYD_TASK_TIME_LIMIT = 4", "CELERYD_TASK_TIME_LIMIT (task_time_limit)", "works"),
        ("CELERY_ACKS_LATE = True", "CELERY_ACKS_LATE (task_acks_late)", "works"),
        ("BROKER_URL = 'redis://h'", "BROKER_URL", "works"),
        ("BROKER_POOL_LIMIT = 3", "BROKER_POOL_LIMIT", "no effect"),
        ("app.conf.task_acks_late = True", "task_acks_late", "works"),
        ("app.conf['worker_concurrency'] = 0", "worker_concurrency", "works"),
        ("app.conf.update({'worker_prefetch_multiplier': 1})", "worker_prefetch_multiplier", "no effect"),
        ("Celery('x', backend='redis://h')", "result_backend", "works"),
        ("Celery('x', task_time_limit='no')", "task_time_limit", "by hand"),
        ("CELERY_RESULT_BACKEND = 'django-db'", "CELERY_RESULT_BACKEND (result_backend)", "works"),
        ("CELERY_ACCEPT_CONTENT = ['json', 'pickle']", "CELERY_ACCEPT_CONTENT (accept_content)", "by hand"),
        ("CELERY_TASK_SERIALIZER = 'yaml'", "CELERY_TASK_SERIALIZER (task_serializer)", "by hand"),
        ("CELERY_WORKER_POOL = 'gevent'", "CELERY_WORKER_POOL (worker_pool)", "by hand"),
        ("CELERY_TASK_TIMELIMIT = 3", "CELERY_TASK_TIMELIMIT (task_timelimit)", "by hand"),
        ("if DEBUG:\n    CELERY_TASK_ALWAYS_EAGER = True", "CELERY_TASK_ALWAYS_EAGER (task_always_eager)", "note"),
        (
            "class Base:\n    CELERY_TASK_TRACK_STARTED = True",
            "CELERY_TASK_TRACK_STARTED (task_track_started)",
            "works",
        ),
    ],
)
def test_a_setting_is_found_and_judged(text: str, what: str, verdict: str) -> None:
    assert settings(text)[what][0] == verdict


def test_a_refused_setting_says_what_to_do() -> None:
    verdict, advice = settings("CELERY_BROKER_URL = os.environ.get('B', 'amqp://guest@localhost//')")[
        "CELERY_BROKER_URL (broker_url)"
    ]
    assert verdict == "by hand" and "expected" in advice and "guest" not in advice


def test_an_unknown_setting_is_told_with_the_nearest_known_one() -> None:
    assert "worker_concurrency" in settings("CELERY_WORKER_CONCURENCY = 2")[
        "CELERY_WORKER_CONCURENCY (worker_concurency)"
    ][1]  # fmt: skip


def test_the_names_of_a_configuration_module_are_settings() -> None:
    assert settings("task_acks_late = True\nother = 1", is_config=True) == {"task_acks_late": ("works", "")}
    assert settings("task_acks_late = True\nother = 1") == {}
    assert settings("class CeleryConfig:\n    task_acks_late = True") == {"task_acks_late": ("works", "")}


def test_config_from_object_tells_which_modules_are_configurations() -> None:
    text = "from proj import conf\napp.config_from_object('a.b')\napp.config_from_object(conf)"
    assert config_modules(source(text)) == {"a/b", "proj/conf"}


def test_a_constant_outside_the_settings_is_only_noted() -> None:
    [found] = find_settings(source("CELERY_LAUNCHER = 1", "shop/views.py"), is_config=False)
    assert found.verdict == "note"


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("crontab(hour=2, minute=0)", "At 02:00"),
        ("crontab(0, 6, 'mon')", "At 06:00, only on Monday"),
        ("schedules.crontab(minute='*/15')", "Every 15 minutes"),
        ("timedelta(minutes=5)", "Every 5 minutes"),
        ("30.0", "Every 30 seconds"),
        ("schedule(run_every=60)", "Every minute"),
        ("solar('sunset', -37.8, 144.9)", "sunset"),
        ("crontab(hour=settings.HOUR)", "only known when it runs"),
        ("make()", "only known when it runs"),
    ],
)
def test_a_schedule_is_said_in_words(schedule: str, said: str) -> None:
    text = f"CELERY_BEAT_SCHEDULE = {{'clean': {{'task': 'a.clean', 'schedule': {schedule}}}}}"
    verdict, advice = settings(text)["clean: a.clean"]
    assert verdict == "works" and said.lower() in advice.lower()


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ("{'task': 'a', 'schedule': crontab(hour=25)}", "25"),
        ("{'task': 'a', 'schedule': solar('dusk', 0, 0)}", "dusk"),
        ("{'task': 'a', 'schedule': crontab(hours=2)}", "hours"),
        ("{'task': 'a'}", "schedule"),
        ("{'task': 'a', 'schedule': 5, 'when': 1}", "'when'"),
        ("{'task': 'celery.backend_cleanup', 'schedule': 5}", "remove it"),
    ],
)
def test_a_schedule_that_cannot_be_is_left_to_a_person(entry: str, word: str) -> None:
    [(verdict, advice)] = settings(f"app.conf.beat_schedule = {{'x': {entry}}}").values()
    assert verdict == "by hand" and word in advice


def test_periodic_tasks_that_are_added_are_schedules_too() -> None:
    [found] = find_periodic(source("sender.add_periodic_task(10.0, test.s('hello'), name='add every 10')"))
    assert (found.kind, found.advice) == ("schedule", "Every 10 seconds")


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        ("@shared_task(serializer='pickle')\ndef f(): ...", "content", "serializer='pickle'"),
        ("@app.task(serializer='yaml')\ndef f(): ...", "content", "serializer='yaml'"),
        ("f.apply_async(serializer='pickle')", "content", "serializer='pickle'"),
        ("@app.task(no_such=1)\ndef f(): ...", "option", "no_such=1"),
        ("app.steps['worker'].add(Step)", "part", "app.steps"),
        ("app.amqp.queues", "part", "app.amqp"),
        ("apps.is_installed('django_celery_beat')", "part", "is_installed('django_celery_beat')"),
        ("mock.patch('celery.app.task.Task.apply_async')", "text", "'celery.app.task.Task.apply_async'"),
    ],
)
def test_what_works_otherwise_here_is_left_to_a_person(text: str, kind: str, what: str) -> None:
    assert [(one.kind, one.what, one.verdict) for one in in_code(text)] == [(kind, what, "by hand")]


def test_a_text_that_names_a_module_says_where_it_is_now() -> None:
    [found] = in_code("mock.patch('celery.schedules.crontab')")
    assert found.advice == "write 'horarium.schedules.crontab'"


@pytest.mark.parametrize(
    "text",
    [
        "@app.task(bind=True, max_retries=3)\ndef f(self):\n    raise self.retry()",
        "@shared_task(autoretry_for=(OSError,), max_retries=3, time_limit=3, queue='q', name='n')\ndef f(): ...",
        "f.apply_async(args=[1], countdown=3, serializer='json')",
        "f.apply_async(eta=datetime.now(timezone.utc))",
        "huey.task(retries=2)",
        "logging.getLogger('shop.celery.tasks')",
    ],
)
def test_what_works_as_it_is_is_not_told(text: str) -> None:
    assert in_code(text) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("@shared_task(bind=True, max_retries=3)\ndef f(self): ...", "retries nothing"),
        ("f.apply_async(eta=datetime.now())", "UTC"),
        ("logging.getLogger('celery')", "horarium.worker"),
    ],
)
def test_common_mistakes_are_noted(text: str, word: str) -> None:
    [found] = in_code(text)
    assert found.verdict == "note" and word in found.advice


def test_parts_of_ones_own_are_told() -> None:
    text = "from celery import Celery\nCelery('x', loader='my.Loader', task_cls=Mine, log=None)"
    assert [one.what for one in parts_of_apps(source(text))] == ["Celery(loader='my.Loader')", "Celery(task_cls=Mine)"]

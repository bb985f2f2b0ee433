"""Every setting of Celery 5.7, in its three spellings, is honoured, explained, or refused with a remedy."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from celery_settings import CELERY_SETTINGS

from horarium.errors import ImproperlyConfigured, InvalidSetting, UnknownSetting
from horarium.settings import Settings
from horarium.settings_celery import ACCEPTED, ALIASES, REFUSED, URLS
from horarium.settings_names import KNOWN, OLD, OWN, current_name, old_name, settings_among
from horarium.settings_table import TABLE

# What people write where Celery's default is None.
TYPICAL: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "result_accept_content": ["json"],
    "beat_cron_starting_deadline": 60,
    "broker_url": "redis://host:6379/0",
    "result_backend": "redis://host:6379/1",
    "result_failure_expires": 3600,
    "task_annotations": {"*": {"rate_limit": "10/s"}},
    "task_default_rate_limit": "10/m",
    "task_default_priority": 3,
    "task_queue_max_priority": 10,
    "task_queues": {"a": {"exchange": "a"}},
    "task_routes": {"shop.*": {"queue": "shop"}},
    "task_soft_time_limit": 50,
    "task_time_limit": 60,
    "worker_concurrency": 4,
    "worker_log_color": False,
    "worker_log_datefmt": "%H:%M",
    "worker_task_log_datefmt": "%H:%M",
    "worker_max_memory_per_child": 200_000,
    "worker_max_tasks_per_child": 100,
    "task_compression": "gzip",
    "result_compression": "bzip2",
    "task_create_missing_queue_exchange_type": "topic",
}
VALUES = {name: TYPICAL.get(name, default) for name, _, default in CELERY_SETTINGS}


def test_the_list_is_whole() -> None:
    assert len(VALUES) == 207


@pytest.mark.parametrize("name", sorted(VALUES))
def test_the_older_name_is_celerys(name: str) -> None:
    older = {new: old for new, old, _ in CELERY_SETTINGS}[name]
    assert old_name(name) == older
    assert current_name(older) == ALIASES.get(name, name)


@pytest.mark.parametrize("spelling", ["new", "old", "namespace"])
@pytest.mark.parametrize("name", sorted(VALUES))
def test_every_setting_is_honoured_or_explained_or_refused_in_each_spelling(name: str, spelling: str) -> None:
    key = {"new": name, "old": old_name(name), "namespace": f"CELERY_{name.upper()}"}[spelling]
    value = VALUES[name] if VALUES[name] is not None else "something"
    source = SimpleNamespace(**{key: value, "DEBUG": True, "os": pytest})
    conf = Settings()
    found = settings_among(source, "CELERY" if spelling == "namespace" else None)
    if name in URLS or name in REFUSED:
        with pytest.raises(InvalidSetting, match=rf"expected {name} to be .+, got .+; .*store="):
            conf.put("source", found)
        return
    conf.put("source", found)
    ours = ALIASES.get(name, name)
    assert conf.value_set_for(ours)
    if ours in TABLE:
        assert conf[ours] == getattr(conf, ours) == TABLE[ours].kind.read(value)
    else:
        assert name in ACCEPTED
        assert [notice.key for notice in conf.explain()] == [name]
        assert len(conf.explain()[0].text) > 20
    assert conf[key] == conf[name]


@pytest.mark.parametrize("name", sorted(VALUES))
def test_what_celery_has_as_its_default_is_taken(name: str) -> None:
    default = {new: value for new, _, value in CELERY_SETTINGS}[name]
    Settings({name: default})


def test_no_two_settings_share_a_spelling() -> None:
    assert len(OLD) == len(KNOWN)
    for name in KNOWN:
        assert OLD.get(f"CELERY_{name.upper()}", name) == name


def test_the_settings_that_are_only_ours_are_told() -> None:
    extras = {name for name in ACCEPTED if name.startswith(("redbeat_", "worker_", "beat_"))}
    assert TABLE.keys() - VALUES.keys() == OWN
    assert KNOWN - VALUES.keys() - OWN <= extras


def test_old_names_among_new_ones_are_refused_with_what_to_rename() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"got old names.*CELERYD_CONCURRENCY -> worker_concurrency$"):
        Settings(CELERYD_CONCURRENCY=2, task_time_limit=5, timezone="UTC")
    with pytest.raises(ImproperlyConfigured, match=r"got new names.*task_time_limit -> CELERYD_TASK_TIME_LIMIT$"):
        Settings(CELERYD_CONCURRENCY=2, CELERY_TIMEZONE="UTC", task_time_limit=5)


def test_a_setting_may_be_said_in_both_spellings_alike() -> None:
    conf = Settings(CELERY_TASK_RESULT_EXPIRES=60, result_expires=60, task_time_limit=5)
    assert conf.result_expires == 60
    with pytest.raises(InvalidSetting, match="leave one of"):
        Settings(CELERY_TASK_RESULT_EXPIRES=60, result_expires=61)


def test_our_own_settings_go_with_either_spelling() -> None:
    assert Settings(CELERYD_CONCURRENCY=2, worker_grace=3).worker_grace == 3


def test_with_a_namespace_the_older_names_of_a_project_count_where_the_newer_are_not_given() -> None:
    source = {"CELERYD_CONCURRENCY": 2, "CELERY_TASK_TIME_LIMIT": 9, "BROKER_URL": "redis://old", "S3_BUCKET": "own"}
    assert settings_among(source, "CELERY") == {
        "worker_concurrency": 2,
        "task_time_limit": 9,
        "broker_url": "redis://old",
    }
    source["CELERY_BROKER_URL"] = "redis://new"
    assert settings_among(source, "CELERY")["broker_url"] == "redis://new"


def test_any_namespace_will_do() -> None:
    assert settings_among({"SHOP_TASK_TIME_LIMIT": 9, "task_time_limit": 1}, "SHOP") == {"task_time_limit": 9}


def test_a_slip_among_a_projects_names_is_refused_and_its_own_names_are_kept_and_told() -> None:
    with pytest.raises(UnknownSetting, match=r"'CELERY_TASK_TIMELIMIT'; did you mean 'task_time_limit'"):
        settings_among({"CELERY_TASK_TIMELIMIT": 9}, "CELERY")
    conf = Settings()
    conf.put("source", settings_among({"CELERY_EMAIL_CHUNK_SIZE": 5}, "CELERY"))
    assert conf.CELERY_EMAIL_CHUNK_SIZE == conf["CELERY_EMAIL_CHUNK_SIZE"] == 5
    assert [notice.key for notice in conf.explain()] == ["CELERY_EMAIL_CHUNK_SIZE"]
    assert "CELERY_EMAIL_CHUNK_SIZE" not in list(conf)


def test_django_s_time_zone_counts_where_no_timezone_is_given() -> None:
    assert settings_among({"TIME_ZONE": "Asia/Tokyo"}, "CELERY") == {"timezone": "Asia/Tokyo"}
    assert settings_among({"TIME_ZONE": "Asia/Tokyo", "CELERY_TIMEZONE": "UTC"}, "CELERY") == {"timezone": "UTC"}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("task_serializer", "pickle", "'json'"),
        ("task_serializer", "yaml", "'json'"),
        ("result_serializer", "pickle", "'json'"),
        ("accept_content", ["json", "pickle"], "'json'"),
        ("event_serializer", "msgpack", "'json'"),
        ("worker_pool", "threadz", "'process', 'thread', 'async', 'solo'"),
        ("worker_pool", "gevent", '"async" or "thread"'),
        ("task_default_queue_type", "quorumm", "'classic', 'quorum', 'stream'"),
        ("task_create_missing_queue_type", "lazy", "'classic', 'quorum', 'stream'"),
        ("task_default_exchange_type", "any", "'direct', 'topic', 'fanout', 'headers'"),
        ("task_compression", "rar", "'gzip'"),
        ("worker_pool_start_method", "thread", "'fork', 'spawn', 'forkserver'"),
        ("broker_url", "amqp://guest@host//", "sqlite.*redis.*postgresql.*horarium bridge"),
        ("broker_url", "pyamqp://guest@host//", "sqlite.*redis.*postgresql.*horarium bridge"),
        ("broker_url", "sqs://", "redis.*postgresql"),
        ("broker_url", "carrier-pigeon://host", "memory, sqlite, redis"),
        ("result_backend", "mongodb://host", "redis.*postgresql"),
        ("task_queues", [5], "list of queues' names"),
        ("task_default_rate_limit", "fast", "10/s"),
        ("task_annotations", {"a": 5}, "time_limit"),
    ],
)
def test_what_is_not_supported_is_refused_with_what_is(name: str, value: object, told: str) -> None:
    with pytest.raises(InvalidSetting, match=rf"(?s)expected \w+ to be .*{told}") as refusal:
        Settings({name: value})
    assert "guest@" not in str(refusal.value)


@pytest.mark.parametrize(
    "scheduler",
    [
        "django_celery_beat.schedulers:DatabaseScheduler",
        "redbeat.RedBeatScheduler",
        "celery.beat:PersistentScheduler",
    ],
)
def test_celerys_schedulers_are_named_as_in_celery_row_41(scheduler: str) -> None:
    settings = Settings({"CELERYBEAT_SCHEDULER": scheduler})
    assert settings.beat_scheduler == scheduler
    assert settings.explain() == []


class Queue:
    def __init__(self, name: str, queue_arguments: dict[str, str] | None = None) -> None:
        self.name = name
        self.queue_arguments = queue_arguments


class Broadcast(Queue):
    pass


def test_queues_are_taken_as_names_and_as_objects() -> None:
    assert Settings(task_queues=["a", Queue("b"), "a"]).task_queues == ("a", "b")
    assert Settings(task_queues={"a": {"exchange": "a"}, "b": {}}).task_queues == ("a", "b")
    assert Settings(task_queues=(Queue("q", {"x-queue-type": "quorum"}),)).task_queues == ("q",)
    with pytest.raises(InvalidSetting, match="known queue types are classic, quorum, stream"):
        Settings(task_queues=[Queue("q", {"x-queue-type": "slow"})])
    with pytest.raises(InvalidSetting, match="one message for each receiver"):
        Settings(task_queues=[Broadcast("all")])


def test_settings_can_be_shown_without_their_secrets() -> None:
    conf = Settings(store="redis://user:hunter2@host/0", redis_password="hunter2", task_time_limit=5)
    assert conf.table()["task_time_limit"] == 5
    assert "hunter2" not in conf.humanize(with_defaults=True)
    assert "worker_lease" in conf.humanize(with_defaults=True)
    assert "worker_lease" not in conf.humanize()
    assert conf.table(censored=False)["redis_password"] == "hunter2"
    assert set(conf.without_defaults()) == {"store", "redis_password", "task_time_limit"}


def test_settings_are_looked_up_as_celerys_users_do() -> None:
    conf = Settings(worker_concurrency=4)
    assert conf.CELERYD_CONCURRENCY == conf["CELERY_WORKER_CONCURRENCY"] == 4
    assert conf.find_value_for_key("concurrency", "worker") == conf.get_by_parts("worker", "concurrency") == 4
    assert conf.setdefault("worker_concurrency", 9) == 4
    assert conf.setdefault("worker_grace", 9) == 9
    assert conf.first("task_time_limit", "worker_concurrency") == 4
    assert conf.get("no_such_thing", "x") == "x"

"""An app's settings: checked when they are set, explained when they mean nothing here."""

from __future__ import annotations

import copy
import re
import typing
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from horarium.clock import Seconds
from horarium.errors import InvalidSetting, UnknownSetting
from horarium.settings import Settings
from horarium.settings_celery import ACCEPTED, CHECKED, URLS
from horarium.settings_table import TABLE


def test_the_defaults_are_valid_values_of_their_own_settings() -> None:
    for name, setting in TABLE.items():
        if setting.default is not None:
            assert setting.kind.read(setting.default) == setting.default, name
        else:
            assert setting.kind.takes_none, name


def test_every_setting_is_an_attribute_with_a_type() -> None:
    hints = typing.get_type_hints(Settings, localns={"Seconds": Seconds})
    assert set(hints) - {"revision"} == set(TABLE)


def test_no_setting_is_in_two_tables() -> None:
    assert not TABLE.keys() & ACCEPTED.keys()
    assert not TABLE.keys() & URLS.keys()
    assert not ACCEPTED.keys() & URLS.keys()


def test_a_setting_is_read_and_written_by_attribute_item_and_update() -> None:
    conf = Settings(task_default_queue="a")
    assert conf.task_default_queue == conf["task_default_queue"] == conf.get("task_default_queue") == "a"
    conf.task_default_queue = "b"
    conf["task_default_priority"] = 9
    conf.update({"timezone": "Europe/Berlin"}, worker_concurrency=2)
    assert (conf["task_default_queue"], conf.task_default_priority) == ("b", 9)
    assert (conf.timezone, conf.worker_concurrency) == ("Europe/Berlin", 2)


def test_a_deleted_setting_has_its_default_again() -> None:
    conf = Settings(worker_lease=3, worker_direct=True)
    del conf["worker_lease"]
    del conf.worker_direct
    assert conf.worker_lease == 10
    assert "worker_direct" not in conf
    assert conf.explain() == []


def test_two_apps_share_nothing() -> None:
    given = {"a": {"task": "t", "schedule": 1}}
    one, other = Settings(beat_schedule=given), Settings()
    one.beat_schedule["b"] = {"task": "t", "schedule": 2}
    other.beat_schedule["c"] = {"task": "t", "schedule": 3}
    assert list(given) == ["a"]
    assert list(other.beat_schedule) == ["c"]
    assert Settings().beat_schedule == {}


def test_each_change_is_counted_so_that_plans_made_before_can_be_told() -> None:
    conf = Settings()
    before = conf.revision
    conf.task_default_queue = "x"
    assert conf.revision > before
    before = conf.revision
    del conf["task_default_queue"]
    assert conf.revision > before


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("worker_concurency", "worker_concurrency"),
        ("TIMEZONE", "timezone"),
        ("brokr_url", "broker_url"),
    ],
)
def test_a_slip_of_a_name_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    conf = Settings()
    for attempt in (lambda: conf.update({name: 1}), lambda: setattr(conf, name, 1), lambda: conf[name]):
        with pytest.raises(UnknownSetting) as refusal:
            attempt()
        assert refusal.value.nearest == nearest
    with pytest.raises(AttributeError, match="expected the name of a setting"):
        getattr(conf, name)
    assert conf.get(name, 5) == 5
    assert not hasattr(conf, name)


def test_a_name_that_is_no_settings_is_kept_for_the_project_and_the_packages_that_read_it() -> None:
    conf = Settings(ONCE={"backend": "redis"})
    assert not hasattr(conf, "singleton_backend_url")
    with pytest.raises(UnknownSetting):
        conf["singleton_backend_url"]
    conf.singleton_backend_url = "redis://"
    conf.update(singleton_key_prefix="once:")
    assert (conf["ONCE"], conf.singleton_backend_url) == ({"backend": "redis"}, "redis://")
    assert conf.get("singleton_key_prefix") == conf.copy().singleton_key_prefix == "once:"


def test_a_packages_own_setting_of_a_configuration_with_a_namespace_is_found_by_its_own_name() -> None:
    conf = Settings()
    conf.put("source", {"CELERY_SINGLETON_BACKEND_URL": "redis://"})
    assert (
        conf.singleton_backend_url == conf["singleton_backend_url"] == conf.get("singleton_backend_url") == "redis://"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("store", "events.db"),
        ("store", 5),
        ("durability", "maybe"),
        ("timezone", "Europe/Berln"),
        ("timezone", "../../etc/passwd"),
        ("timezone", 2),
        ("enable_utc", "yes"),
        ("imports", 5),
        ("include", ["ok", 5]),
        ("beat_schedule", []),
        ("beat_schedule", {"a": "b"}),
        ("beat_max_loop_interval", -1),
        ("task_default_queue", ""),
        ("task_default_priority", 10),
        ("task_default_priority", True),
        ("task_routes", 5),
        ("task_time_limit", 0),
        ("task_soft_time_limit", "5"),
        ("task_publish_timeout", float("inf")),
        ("task_publish_timeout", float("nan")),
        ("task_publish_timeout", timedelta(0)),
        ("task_acks_late", 1),
        ("max_payload_bytes", 1.5),
        ("task_serializer", "pickle"),
        ("accept_content", ["json", "pickle"]),
        ("accept_content", []),
        ("accept_content", 5),
        ("result_serializer", "yaml"),
        ("result_expires", -1),
        ("worker_concurrency", -1),
        ("worker_pool", "gevent"),
        ("worker_redirect_stdouts_level", "LOUD"),
        ("worker_output_limit", -1),
    ],
)
def test_a_wrong_value_is_refused_with_what_was_expected_and_what_to_do(name: str, value: object) -> None:
    conf = Settings()
    with pytest.raises(InvalidSetting, match=rf"expected {name} to be .+, got .+; .+") as refusal:
        conf[name] = value
    assert refusal.value.key == name
    assert conf[name] == TABLE[name].default


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("timezone", ZoneInfo("Europe/Berlin"), "Europe/Berlin"),
        ("timezone", UTC, "UTC"),
        ("timezone", None, "UTC"),
        ("include", "shop.tasks", ("shop.tasks",)),
        ("imports", ["a", "b"], ("a", "b")),
        ("task_time_limit", timedelta(minutes=5), 300.0),
        ("task_time_limit", None, None),
        ("result_expires", timedelta(days=2), 172_800.0),
        ("result_expires", 0, None),
        ("result_expires", None, None),
        ("worker_concurrency", 0, None),
        ("worker_pool", "prefork", "process"),
        ("worker_pool", "processes", "process"),
        ("worker_pool", "Threads", "thread"),
        ("worker_pool", "asyncio", "async"),
        ("worker_pool", "solo", "solo"),
        ("worker_redirect_stdouts_level", "info", "INFO"),
        ("worker_grace", 0, 0.0),
        ("task_default_priority", None, 5),
        ("accept_content", ["application/json"], ["application/json"]),
    ],
)
def test_a_value_is_kept_in_one_form(name: str, value: object, kept: object) -> None:
    assert Settings({name: value})[name] == kept


def test_an_update_is_made_whole_or_not_at_all() -> None:
    conf = Settings()
    with pytest.raises(InvalidSetting):
        conf.update(task_default_queue="x", worker_lease=-1)
    assert conf.task_default_queue == "default"
    assert conf.revision == 0


@pytest.mark.parametrize("name", sorted(URLS))
def test_a_url_of_celery_is_refused_unless_it_says_what_the_store_says(name: str) -> None:
    with pytest.raises(InvalidSetting, match=r"store=") as refusal:
        Settings({name: "redis://user:secret@host/0"})
    assert "secret" not in str(refusal.value)
    assert Settings({name: None})[name] is None
    assert Settings({name: "sqlite:///x.db", "store": "sqlite:///x.db"})[name] == "sqlite:///x.db"


def test_a_zone_that_is_misspelt_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidSetting, match=re.escape("did you mean 'Europe/Berlin'?")):
        Settings(timezone="Europe/Berln")


@pytest.mark.parametrize("name", sorted(ACCEPTED))
def test_a_setting_of_celery_that_does_nothing_here_is_accepted_and_explained(name: str) -> None:
    value = CHECKED[name].read(None) if name in CHECKED else "whatever"
    conf = Settings({name: value})
    assert getattr(conf, name) == value
    assert [notice.key for notice in conf.explain()] == [name]
    assert re.match(r"has no effect in Horarium: .{10,}", conf.explain()[0].text)


def test_a_choice_that_costs_safety_is_explained() -> None:
    chosen: dict[str, Any] = {"task_acks_late": False, "durability": "relaxed", "enable_utc": False}
    assert {notice.key for notice in Settings(chosen).explain()} == set(chosen)
    assert Settings(task_acks_late=True, durability="full").explain() == []


def test_iterating_gives_all_that_has_an_effect_and_what_was_set() -> None:
    conf = Settings(worker_prefetch_multiplier=1)
    assert set(conf) == set(TABLE) | {"worker_prefetch_multiplier"}
    assert len(conf) == len(TABLE) + 1
    assert "store" in conf
    assert "broker_url" not in conf
    assert dict(conf)["store"] == "sqlite:///horarium.db"


def test_settings_are_taken_from_among_a_django_projects() -> None:
    conf = Settings()
    conf.update_from({"CELERY_TASK_DEFAULT_QUEUE": "q", "DEBUG": True, "TIME_ZONE": "UTC", "CELERYD": 1})
    assert conf.task_default_queue == "q"
    conf.update_from({"HORARIUM_TIMEZONE": "Europe/Berlin"}, namespace="HORARIUM")
    assert conf.timezone == "Europe/Berlin"


def test_settings_do_not_show_their_values_unasked() -> None:
    assert "secret" not in repr(Settings(store="postgresql://user:secret@host/db"))


def test_a_copy_is_independent() -> None:
    conf = Settings(task_default_queue="a")
    other = copy.deepcopy(conf)
    other.task_default_queue = "b"
    assert (conf.task_default_queue, other.task_default_queue) == ("a", "b")

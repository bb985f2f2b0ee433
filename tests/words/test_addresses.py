"""Addresses of stores: Celery's and SQLAlchemy's spellings, and what people may see of one."""

from __future__ import annotations

import pytest

from horarium.address import masked, read_results, read_store
from horarium.errors import InvalidSetting
from horarium.settings import Settings

CANARY = "c4n4ry"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("sqlite:///events.db", "sqlite:///events.db"),
        ("SQLite:///Events.db", "sqlite:///Events.db"),
        ("db+sqlite:///results.db", "sqlite:///results.db"),
        ("sqla+sqlite:////var/celery.db", "sqlite:////var/celery.db"),
        ("db+postgresql://u:p@h/d", "postgresql://u:p@h/d"),
        ("db+postgresql+psycopg2://u:p@h/d?sslmode=require", "postgresql://u:p@h/d?sslmode=require"),
        ("postgresql+psycopg://u:p@h/d", "postgresql://u:p@h/d"),
        ("postgres://h/d", "postgres://h/d"),
        ("redis://:p@h:6379/1", "redis://:p@h:6379/1"),
        ("rediss://h", "rediss://h"),
        ("redis+socket:///run/redis.sock", "redis+socket:///run/redis.sock"),
        ("sentinel://a:26379;sentinel://b:26379", "sentinel://a:26379;sentinel://b:26379"),
        ("memory://", "memory://"),
    ],
)
def test_an_address_is_read_in_every_usual_spelling(written: str, kept: str) -> None:
    assert read_store(written) == read_results(written) == kept
    assert Settings(broker_url=written, result_backend=written).store == kept


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("amqp://guest:guest@localhost//", "RabbitMQ is no store"),
        ("pyamqp://localhost", "redis://host:6379/0"),
        ("sqs://key:secret@", "redis://host:6379/0"),
        ("filesystem://", "sqlite:///horarium.db"),
        ("file:///var/results", "sqlite:///horarium.db"),
        ("cache+memcached://127.0.0.1:11211/", "a cache forgets at will"),
        ("cache+memory://", "a cache forgets at will"),
        ("db+mysql://u:p@h/d", "postgresql://user:password@host/database"),
        ("mongodb://h", "redis://host:6379/0"),
        ("localhost:6379", "known schemes are"),
        ("horarium.db", "write the whole URL"),
        (["redis://a", "redis://b"], "sentinel://"),
        ("redis://a;redis://b", "sentinel://"),
        (5, "write the whole URL"),
        ("", "write the whole URL"),
    ],
)
def test_an_address_without_an_equivalent_is_refused_with_the_nearest(written: object, said: str) -> None:
    for setting in ("store", "broker_url", "result_backend"):
        with pytest.raises(InvalidSetting) as refusal:
            Settings({setting: written})
        assert said in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_results_may_be_kept_in_the_store_elsewhere_or_not_at_all() -> None:
    assert Settings().result_backend == "store"
    assert Settings(result_backend="rpc://").result_backend == "store"
    assert Settings(result_backend="disabled://").result_backend is None
    assert Settings(result_backend=None).result_backend is None
    assert Settings(result_backend="sqlite:///kept.db").result_backend == "sqlite:///kept.db"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("django-db", "django-db"),
        ("Django-Cache", "django-cache"),
        ("django_celery_results.backends.database:DatabaseBackend", "django-db"),
        ("django_celery_results.backends:CacheBackend", "django-cache"),
    ],
)
def test_results_may_also_be_written_down_in_django_row_32(written: str, kept: str) -> None:
    assert Settings(result_backend=written).result_backend == kept
    with pytest.raises(InvalidSetting, match=r"write the whole URL|known schemes"):
        Settings(store=written)


def test_celerys_name_for_the_store_means_the_store() -> None:
    conf = Settings(broker_url="redis://h/1")
    assert conf.store == conf.broker_url == conf["broker_url"] == conf.get("broker_url") == "redis://h/1"
    conf.broker_url = "redis://h/2"
    assert conf.store == "redis://h/2"
    del conf.broker_url
    assert conf.store == "sqlite:///horarium.db"
    assert Settings(store="redis://h", broker_url="redis://h").store == "redis://h"
    assert Settings(store="redis://h", broker_url=None).store == "redis://h"
    with pytest.raises(InvalidSetting, match="expected broker_url to be the same as store"):
        Settings(store="redis://h/1", broker_url="redis://h/2")


@pytest.mark.parametrize(
    "address",
    [
        f"redis://:{CANARY}@host:6379/0",
        f"redis://user:{CANARY}@host",
        f"redis://user:pa/ss@{CANARY}@host/0",
        f"postgresql://user:{CANARY}@host/db?sslmode=require",
        f"postgresql://host/db?user=u&password={CANARY}",
        f"postgresql://host/db?sslpassword={CANARY}&sslmode=require",
        f"sentinel://:{CANARY}@a:26379,b:26379/main?sentinel_password={CANARY}",
        f"amqp://guest:{CANARY}@localhost//",
        f"sentinel://:{CANARY}@a;sentinel://:{CANARY}@b",
    ],
)
def test_nothing_secret_of_an_address_is_shown(address: str) -> None:
    assert CANARY not in masked(address)
    assert masked(address).startswith(address.partition("://")[0])
    conf = Settings()
    for setting in ("store", "broker_url", "result_backend", "broker_read_url"):
        try:
            conf[setting] = address
        except InvalidSetting as error:
            assert CANARY not in str(error)
            assert CANARY not in repr(error)
    assert CANARY not in repr(conf)
    assert CANARY not in " ".join(notice.text for notice in conf.explain())


def test_an_address_without_secrets_is_shown_as_it_is() -> None:
    for address in ("sqlite:///events.db", "redis://host:6379/0", "postgresql://host/db?sslmode=require", "memory://"):
        assert masked(address) == address

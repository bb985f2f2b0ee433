"""URLs: what may be said, and what is answered to a mistake."""

from __future__ import annotations

import ssl
from traceback import format_exception

import pytest

from horarium.engines.redis.address import read_address
from horarium.errors import ImproperlyConfigured

WRONG = [
    ("redis://:canary@host:6379/shop", "the database 'shop'"),
    ("redis://:canary@host:port/0", "redis://user:password@host:6379/0"),
    ("redis://:canary@host/0?namespace=a b", "namespace"),
    ("redis://:canary@host/0?namespace={a}", "namespace"),
    ("redis://:canary@host/0?colour=red", "colour"),
    ("rediss://:canary@host/0?ssl_cert_reqs=never", "none, optional, required"),
    ("redis+socket://", "redis+socket:///run/redis/redis.sock"),
    ("sentinel://:canary@host:26379", "sentinel://host:26379,host:26379/SERVICE/0"),
    ("redis://:canary/canary@host/0", "as %2F %3F %23 %40"),
    ("redis://:canary?canary@host/0", "as %2F %3F %23 %40"),
    ("redis://me:canary#canary@host:6379/0", "as %2F %3F %23 %40"),
    ("sentinel://host/shop/zero", "sentinel://host:26379,host:26379/SERVICE/0"),
]


@pytest.mark.parametrize(("url", "told"), WRONG, ids=[url for url, _ in WRONG])
def test_a_wrong_url_is_told_what_is_expected_and_shows_no_password(url: str, told: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        read_address(url, 5.0).open()
    assert told in str(refused.value)
    assert "canary" not in "".join(format_exception(refused.value))


def test_what_people_see_of_a_url_bears_no_password() -> None:
    urls = {
        "redis://me:canary@host:6379/0": "redis://***@host:6379/0",
        "redis://:can@ary@host/0?namespace=x": "redis://***@host/0?namespace=x",
        "sentinel://:canary@a,b/shop?sentinel_password=canary": "sentinel://***@a,b/shop?sentinel_password=***",
        "redis://host:6379/0?PASSWORD=canary": "redis://host:6379/0?PASSWORD=***",
        "redis://host:6379/0": "redis://host:6379/0",
    }
    assert {url: read_address(url, 5.0).url for url in urls} == urls


def test_celerys_way_to_list_sentinels_is_understood() -> None:
    url = "sentinel://one:26379;sentinel://two:26380/1?master_name=shop"
    assert read_address(url, 5.0).namespace == "horarium"


def test_every_connection_is_watched_by_the_kernel_and_bounded_in_time() -> None:
    connection = read_address("redis://host/0", 4.0).open()
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (4.0, 3.0)
    assert connection.socket_keepalive
    assert len(connection.socket_keepalive_options) == 4


@pytest.mark.parametrize("written", ["none", "CERT_NONE", "ssl.CERT_NONE"])
def test_what_is_asked_of_a_certificate_may_be_said_in_celerys_words_row_23(written: str) -> None:
    asked = read_address(f"rediss://host/0?ssl_cert_reqs={written}", 5.0).open().cert_reqs  # type: ignore[attr-defined]
    assert asked == ssl.CERT_NONE
    assert read_address("rediss://host/0", 5.0).open().cert_reqs == ssl.CERT_REQUIRED  # type: ignore[attr-defined]

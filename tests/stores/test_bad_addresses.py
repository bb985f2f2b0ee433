"""A wrong address, password or server: one line that names the setting, the right exit code, and nothing secret."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from servers import PostgresServer, RedisServer, free_port

CANARY = "c4n4ry"
SHOP = """
import os
from horarium import Horarium

app = Horarium("shop", store=os.environ["SHOP_STORE"], result_backend=os.environ["SHOP_RESULTS"])


@app.task(name="add")
def add(x: int, y: int) -> int:
    return x + y
"""
CALL = ("call", "add", "-a", "[1, 2]")
CONFIGURATION, NOT_FOUND, UNAVAILABLE = 1, 3, 69


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


def horarium(shop: Path, store: str, *arguments: str, results: str = "store") -> subprocess.CompletedProcess[str]:
    """Run a command on an app with these stores; whatever it says, the canary must not be in it."""
    done = subprocess.run(
        [sys.executable, "-m", "horarium", "-A", "shop", *arguments],
        cwd=shop,
        env={**os.environ, "SHOP_STORE": store, "SHOP_RESULTS": results},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert CANARY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize(
    "command", [CALL, ("status",), ("runs", "list"), ("worker", "-c", "1"), ("beat",), ("doctor",)]
)
def test_a_wrong_password_is_one_line_that_names_the_setting(
    shop: Path, redis: RedisServer, command: tuple[str, ...]
) -> None:
    done = horarium(shop, f"redis://:{CANARY}@127.0.0.1:{redis.port}/0", *command)
    assert done.returncode == CONFIGURATION
    [line] = [line for line in (done.stdout + done.stderr).splitlines() if "password" in line]
    assert "mend the password in the setting store" in line


def test_a_server_that_is_not_there_is_one_line_that_names_the_setting(shop: Path) -> None:
    done = horarium(shop, f"redis://:{CANARY}@127.0.0.1:{free_port()}/0", *CALL)
    assert done.returncode == UNAVAILABLE
    [line] = done.stderr.splitlines()
    assert line.startswith("error: expected the store redis://") and "the setting store" in line


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"amqp://guest:{CANARY}@localhost//", "RabbitMQ is no store"),
        (f"db+mysql://root:{CANARY}@localhost/shop", "nearest database"),
        (f"redis://:{CANARY}@localhost/first", "setting store"),
        (f"sqlite://{CANARY}.db".replace(CANARY, "file"), "three slashes"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused_before_anything_starts(shop: Path, address: str, said: str) -> None:
    for command in (CALL, ("worker", "-c", "1")):
        done = horarium(shop, address, *command)
        assert done.returncode == CONFIGURATION
        assert said in done.stdout + done.stderr


def test_trouble_with_the_store_for_results_names_its_own_setting(shop: Path, redis: RedisServer) -> None:
    results = f"redis://:{CANARY}@127.0.0.1:{redis.port}/1"
    for command in (("doctor",), ("worker", "-c", "1")):
        done = horarium(shop, redis.url, *command, results=results)
        assert done.returncode == CONFIGURATION
        assert "mend the password in the setting result_backend" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server that asks ``eve`` for a password, which is not the canary."""
    with PostgresServer() as server:
        rules = server.folder / "data" / "pg_hba.conf"
        rules.write_text(f"host all eve 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE ROLE eve LOGIN PASSWORD 'right'")
        server.restart()  # a reload would be heard of only later
        yield server


@pytest.mark.parametrize(
    ("who", "rest", "code", "said"),
    [
        ("eve", "postgres", CONFIGURATION, "refused the password"),
        ("postgres", "nowhere", CONFIGURATION, "no such database"),
        ("postgres", "postgres?sslmode=require", CONFIGURATION, "over TLS"),
        ("postgres", "postgres?schema=Shop", CONFIGURATION, "lower-case identifier"),
        (None, "postgres", UNAVAILABLE, "to be reached"),
    ],
)
def test_what_is_wrong_with_an_address_of_postgresql_is_one_line_too(
    shop: Path, postgres: PostgresServer, who: str | None, rest: str, code: int, said: str
) -> None:
    port = postgres.port if who else free_port()
    address = f"postgresql://{who or 'postgres'}:{CANARY}@127.0.0.1:{port}/{rest}"
    done = horarium(shop, address, *CALL)
    assert done.returncode == code
    [line] = done.stderr.splitlines()
    assert said in line and "store" in line
    assert horarium(shop, f"sqlite:///{shop}/shop.db", *CALL).returncode == 0
    results = horarium(shop, f"sqlite:///{shop}/shop.db", "doctor", results=address)
    assert said in results.stdout + results.stderr and "result_backend" in results.stdout + results.stderr


def test_an_address_given_to_the_command_line_is_not_repeated_in_its_advice(shop: Path, redis: RedisServer) -> None:
    for address in (f"postgresql://127.0.0.1:{free_port()}/shop?password={CANARY}", f"redis://:{CANARY}@127.0.0.1:1/0"):
        done = horarium(shop, redis.url, "--store", address, "doctor")
        assert "horarium -A shop --store URL doctor" in done.stdout


def test_the_command_line_may_name_another_store_for_results(shop: Path, redis: RedisServer) -> None:
    results = f"sqlite:///{shop}/kept.db"
    assert horarium(shop, redis.url, "--result-backend", results, "runs", "list").returncode == NOT_FOUND
    assert horarium(shop, redis.url, "--result-backend", "amqp://x", "status").returncode == CONFIGURATION
    assert horarium(shop, redis.url, "--result-backend", results, *CALL).returncode == 0


def test_what_works_on_postgresql_shows_no_secret_either(shop: Path, postgres: PostgresServer) -> None:
    address = f"postgresql://postgres:{CANARY}@127.0.0.1:{postgres.port}/postgres"
    assert horarium(shop, address, *CALL).returncode == 0
    doctor = horarium(shop, address, "doctor")
    assert "OK       the store postgresql://" in doctor.stdout
    assert "WARN     the store is weaker than promised: fsync is off" in doctor.stdout
    for command in (("status",), ("check",), ("runs", "list"), ("doctor", "--json")):
        horarium(shop, address, *command)


def test_a_server_that_does_not_speak_tls_is_told_with_the_setting(shop: Path, redis: RedisServer) -> None:
    done = horarium(shop, f"rediss://:{CANARY}@127.0.0.1:{redis.port}/0", *CALL)
    assert done.returncode == UNAVAILABLE
    assert "the setting store" in done.stderr


def test_what_works_shows_no_secret_either(shop: Path) -> None:
    with RedisServer() as server:
        server.ask("CONFIG", "SET", "requirepass", CANARY)
        address = f"redis://:{CANARY}@127.0.0.1:{server.port}/0"
        assert horarium(shop, address, *CALL).returncode == 0
        doctor = horarium(shop, address, "doctor")
        assert "OK       the store redis://" in doctor.stdout
        assert "WARN     the store is weaker than promised" in doctor.stdout
        for command in (("status",), ("check",), ("runs", "list"), ("doctor", "--json")):
            horarium(shop, address, *command)

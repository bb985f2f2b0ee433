"""The processes of the guides, started, scaled and restarted as their platforms do it: nothing lost or doubled."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from adopter import Adopter

from servers import PostgresServer, RedisServer, free_port

SHOP = """
import os, threading
from datetime import timedelta
from django.conf import settings
from django.core.cache import cache
from horarium import Horarium

settings.configure(CACHES={"default": {
    "BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": os.path.abspath("cache")}})
app = Horarium("shop", store=os.environ["STORE"], result_backend=os.environ.get("RESULTS", "store"))


@app.task(name="shop.note")
def note(word: str) -> str:
    with open("witness", "a") as witness:
        witness.write(word + chr(10))
    return word


@app.task(name="shop.statistics")
def statistics() -> None:
    cache.set("site_statistics", {"works": 42})


app.conf.worker_concurrency = int(os.environ.get("SLOTS", "1"))
app.conf.beat_schedule = {
    "tick": {"task": "shop.note", "schedule": 1.0, "args": [os.environ.get("WORD", "tick")]},
    "rare": {"task": "shop.note", "schedule": timedelta(days=30), "args": ["rare"]},
}
"""
SEND = "import sys, shop; [shop.note.delay(word) for word in sys.argv[1:]]; print('sent')"
BURST = """
import sys, threading, shop
words = [sys.argv[1] + str(number) for number in range(200)]
web = [threading.Thread(target=lambda part=words[k::4]: [shop.note.delay(word) for word in part]) for k in range(4)]
[thread.start() for thread in web]
[thread.join() for thread in web]
shop.app.close()
"""


class Shop(Adopter):
    def witnessed(self) -> Counter[str]:
        """What the tasks have written, by the word."""
        path = self.folder / "witness"
        return Counter(path.read_text().split() if path.exists() else [])

    def worker(self, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        return self.start("-A", "shop", "worker", "--loglevel=info", *options, **environment)

    def beat(self, **environment: str) -> subprocess.Popen[bytes]:
        return self.start("-A", "shop", "beat", "--loglevel=info", **environment)

    def send(self, *words: str) -> None:
        done = self.run("-c", SEND, *words)
        assert done.stdout == "sent\n", done.stderr

    def sees(self, *words: str) -> None:
        self.until(lambda: set(words) <= set(self.witnessed()))

    def next_of(self, name: str) -> str:
        """Return the instant at which a schedule fires next, as a column of a listing."""
        done = self.horarium("-A", "shop", "schedules", "next", name)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[0].split("\t")[2]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path, STORE="sqlite:///shop.db")
    shop.write("shop.py", SHOP)
    yield shop
    shop.close()


@pytest.mark.timeout(180)
def test_processes_start_before_their_redis_and_outlive_its_restart_rows_1_2_13_25_62(shop: Shop) -> None:
    redis = RedisServer(appendfsync="always")
    shop.environment["STORE"] = redis.url
    try:
        beat, worker = shop.beat(), shop.worker()
        shop.says("trying again", 0)
        shop.says("trying again", 1)
        redis.start()
        shop.says("ready.", 1)
        shop.send("first")
        shop.sees("first", "tick")
        assert shop.stop(beat, by=signal.SIGINT) == [0]  # beat=0
        assert shop.stop(worker) == [0]
        shop.send("waits")
        redis.restart()
        worker, beat = shop.worker(), shop.beat()  # the other way round, and one worker more
        shop.says("ready.", 2)
        redis.restart()  # under those who are at work
        second = shop.worker("-n", "second@%h")
        shop.send("second")
        shop.sees("waits", "second")
        shop.run("-c", "import shop; shop.statistics.delay()")
        look = "import shop; from django.core.cache import cache; print(cache.get('site_statistics'))"
        shop.until(lambda: shop.run("-c", look).stdout == "{'works': 42}\n")
        assert shop.stop(worker, second, beat) == [0, 0, 0]
        counted = shop.witnessed()
        assert {counted[word] for word in ("first", "waits", "second")} == {1}
    finally:
        redis.close()


def start_in_container(shop: Shop, role: str, name: str) -> subprocess.Popen[bytes]:
    """Start it on a host of that name, as a container engine does; where that is forbidden, say its name instead."""
    line = ("-A", "shop", role, "--loglevel=info")
    for user in ((), ("--user", "--map-root-user")):
        own = ["unshare", *user, "--uts", "sh", "-c", f'hostname {name} && exec "$@"', "sh"]
        if subprocess.run([*own, "true"], capture_output=True, check=False).returncode == 0:
            return shop.start(*line, under=own)
    return shop.start(*line, "-n", f"{role}@{name}")


@pytest.mark.timeout(180)
def test_three_workers_beat_and_web_share_a_file_without_locking_each_other_out_rows_14_27_128(shop: Shop) -> None:
    workers = [start_in_container(shop, "worker", f"celery-worker-{number}") for number in range(3)]
    beats = [start_in_container(shop, "beat", f"celery-beat-{number}") for number in range(2)]
    for number in range(3):
        shop.says(f"worker@celery-worker-{number} ready.", number)
    for word in ("a", "b"):
        assert shop.run("-c", BURST, word).stderr == ""
    shop.until(lambda: sum(count for word, count in shop.witnessed().items() if word != "tick") == 400)
    told = shop.horarium("-A", "shop", "inspect", "ping").stdout
    assert [told.count(f"worker@celery-worker-{number}") for number in range(3)] == [1, 1, 1]
    everybody = shop.horarium("-A", "shop", "status").stdout
    assert "beat@celery-beat-0" in everybody and "beat@celery-beat-1" in everybody, everybody
    assert shop.stop(*beats) == [0, 0]
    ticks = sum(shop.text(number).count("Sending due task tick") for number in (3, 4))
    shop.until(lambda: shop.witnessed()["tick"] == ticks)
    assert shop.stop(*workers) == [0, 0, 0]
    assert set((shop.witnessed() - Counter({"tick": ticks})).values()) == {1}
    assert "locked" not in shop.logs()


@pytest.mark.timeout(180)
def test_a_service_is_restarted_with_other_settings_and_an_empty_disk_rows_15_16_49(shop: Shop, tmp_path: Path) -> None:
    with RedisServer() as redis:
        shop.environment["STORE"] = redis.url
        worker, beat = shop.worker(), shop.beat()
        shop.says("concurrency: 1 (process)")
        shop.sees("tick")
        due = shop.next_of("rare")
        assert shop.stop(worker, beat) == [0, 0]
        before = shop.witnessed()["tick"]
        assert before == shop.text(1).count("Sending due task tick") - waiting(shop)
        shop.send("meanwhile")
        for path in tmp_path.iterdir():  # the platform's daily restart, on a new disk
            if path.name not in ("shop.py", "log0", "log1", "witness"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shop.environment |= {"WORD": "tock", "SLOTS": "2"}
        worker, beat = shop.worker(), shop.beat()
        shop.says("concurrency: 2 (process)", 2)
        shop.sees("tock", "meanwhile")
        assert shop.next_of("rare") == due
        assert shop.stop(beat, worker) == [0, 0]
        assert shop.witnessed()["meanwhile"] == 1
        sent = sum(shop.text(number).count("Sending due task tick") for number in (1, 3))
        done = shop.witnessed()["tick"] + shop.witnessed()["tock"]
        assert done == sent - waiting(shop)


def waiting(shop: Shop) -> int:
    """Count the runs that have not ended."""
    return len(shop.horarium("-A", "shop", "runs", "list", "--state", "PENDING").stdout.splitlines())


@pytest.mark.timeout(180)
def test_any_store_carries_and_any_other_remembers_row_26(shop: Shop) -> None:
    with RedisServer() as redis, PostgresServer() as postgres:
        stores = {"redis": redis.url, "postgres": postgres.url, "sqlite": "sqlite:///pair.db"}
        pairs = [(carrier, keeper) for carrier in stores for keeper in stores if carrier != keeper]
        sharing = [(place(stores[a], f"{a}_{b}"), place(stores[b], f"{a}_{b}")) for a, b in pairs]
        for carrier, keeper in sharing:
            shop.worker("-B", "-c", "1", STORE=carrier, RESULTS=keeper)
        for number, (carrier, keeper) in enumerate(sharing):
            shop.says("ready.", number)
            shop.says("Sending due task tick", number)
            done = shop.run("-c", "import shop; print(shop.note.delay('a').get(30))", STORE=carrier, RESULTS=keeper)
            assert done.stdout == "a\n", (carrier, keeper, done.stderr)
        assert shop.stop() == [0] * len(pairs)


def place(url: str, name: str) -> str:
    """Return the address of an empty place of one's own in a store."""
    if url.startswith("sqlite"):
        return url.replace("pair", name)
    return f"{url}?{'schema' if url.startswith('postgres') else 'namespace'}={name}"


def test_a_redis_with_tls_of_its_own_making_and_a_password_rows_23_138(shop: Shop, tmp_path: Path) -> None:
    key, certificate, port = tmp_path / "key.pem", tmp_path / "cert.pem", free_port()
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    make += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(make, check=True, capture_output=True)
    options = ("--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key))
    options += ("--tls-ca-cert-file", str(certificate), "--tls-auth-clients", "no", "--requirepass", "a-strong-one")
    with RedisServer(*options) as redis:
        url = f"rediss://:a-strong-one@127.0.0.1:{port}/0"
        refused = shop.run("-c", SEND, "a", STORE=url)
        assert refused.returncode == 1 and "certificate" in refused.stderr.lower()
        assert "a-strong-one" not in refused.stderr
        for way in ("?ssl_cert_reqs=none", "?ssl_cert_reqs=CERT_NONE", f"?ssl_ca_certs={certificate}"):
            assert shop.run("-c", SEND, "a", STORE=url + way).stdout == "sent\n", way
        assert shop.run("-c", SEND, "a", STORE=f"redis://:a-strong-one@127.0.0.1:{redis.port}/0").stdout == "sent\n"
        kept = shop.horarium("-A", "shop", "runs", "list", STORE=f"{url}?ssl_cert_reqs=none")
        assert len(kept.stdout.splitlines()) == 4, kept.stderr

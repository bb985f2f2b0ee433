"""``horarium alerts``: what it lists, silences, tests and refuses."""

from __future__ import annotations

from shop_words import Shop

from horarium.alerts import shelf
from horarium.alerts.book import Book, Incident
from horarium.cli.exits import Exit

PRIVATE = {"channels": {"ops": {"type": "webhook", "url": "http://127.0.0.1:1/s3cret"}}}


def test_what_fires_is_listed_and_that_nobody_is_told(shop: Shop) -> None:
    now = shop.engine.now()
    fields = {"rule": "queue_unread", "since": now, "seen": now, "text": "2 messages ready"}
    incidents = (Incident(subject="mail", phase="firing", **fields), Incident(subject="low", **fields))
    shelf.write(shop.engine, now=now, book=Book(incidents=incidents))
    [row] = shop.json("alerts", "list")
    assert (row["phase"], row["rule"], row["subject"]) == ("firing", "queue_unread", "mail")
    assert [row["subject"] for row in shop.json("alerts", "list", "--all")] == ["mail", "low"]
    assert "names no channel" in shop("alerts", "list").stderr
    shop.app.conf.alerts = PRIVATE
    assert "nobody watches" in shop("alerts", "list").stderr


def test_a_silence_is_made_listed_and_ended(shop: Shop) -> None:
    assert shop("alerts", "silence", "queue_*", "mail").exit_code == Exit.FAILED
    [made] = shop.json("alerts", "silence", "queue_*", "mail", "--for", "2h", "--reason", "move", "--by", "ana")
    assert (made["rule"], made["subject"], made["by"]) == ("queue_*", "mail", "ana")
    assert shop.json("alerts", "silence", "--list") == [made]
    assert shop("alerts", "silence", "--end", made["id"]).exit_code == Exit.OK
    assert shop("alerts", "silence", "--end", made["id"]).exit_code == Exit.NOT_FOUND


def test_a_test_that_fails_says_why_and_is_in_the_log(shop: Shop) -> None:
    assert "expected the name of a channel" in shop("alerts", "test").stderr
    shop.app.conf.alerts = PRIVATE
    result = shop("alerts", "test")
    assert (result.exit_code, result.stdout.partition(":")[0]) == (Exit.FAILED, "ops")
    assert "private address" in result.stdout
    [row] = shop.json("alerts", "log")
    assert (row["channel"], row["outcome"]) == ("ops", "given up")


def test_rules_are_listed_as_the_setting_has_them(shop: Shop) -> None:
    shop.app.conf.alerts = {**PRIVATE, "rules": {"queue_old": {"after": 5}, "worker_lost": False}}
    rows = {row["rule"]: row for row in shop.json("alerts", "rules")}
    assert (rows["queue_old"]["after"], rows["queue_old"]["channels"]) == (5.0, ["ops"])
    assert rows["worker_lost"]["channels"] == []


def test_a_watcher_without_the_setting_says_what_to_write(shop: Shop) -> None:
    result = shop("alerts", "run")
    assert result.exit_code == Exit.FAILED
    assert "expected the setting alerts to name a channel" in result.stderr

"""Workflows on the command line: ``runs tree``, and why a run that waits for others waits."""

from __future__ import annotations

from typing import Any

from shop_words import Shop

from horarium import chain, chord, group
from horarium.testing import drain


def workflow(shop: Shop) -> Any:
    charge = shop.app.tasks["shop.charge"]
    return chord([charge.s(1), charge.s(2)], shop.app.tasks["shop.mail"].si("a")).apply_async()


def test_a_tree_shows_what_follows_what_and_what_waits_for_what(shop: Shop) -> None:
    result = workflow(shop)
    first, second = (member.id[:8] for member in result.parent)
    lines = shop("runs", "tree", result.id).stdout.splitlines()
    assert lines == [
        f"workflow {result.parent.id}: 3 PENDING",
        "  side by side, 2:",
        f"    PENDING shop.charge {first}",
        f"    PENDING shop.charge {second}",
        f"  PENDING shop.mail {result.id[:8]}, waits for {', '.join(sorted([first, second]))}",
    ]


def test_a_tree_is_the_same_from_the_id_of_any_run_and_from_a_groups(shop: Shop) -> None:
    result = workflow(shop)
    ids = [result.id, result.parent[0].id, result.parent[1].id, result.parent.id, result.id[:12]]
    assert len({shop("runs", "tree", id).stdout for id in ids}) == 1


def test_a_tree_as_json_is_one_document(shop: Shop) -> None:
    result = workflow(shop)
    document = shop.json("runs", "tree", result.id)
    [[crowd, body]] = document["lines"]
    assert [line[0]["id"] for line in crowd["group"]] == [member.id for member in result.parent]
    assert (body["id"], body["state"]) == (result.id, "PENDING")
    assert sorted(body["waits_for"]) == sorted(member.id for member in result.parent)


def test_a_tree_shows_the_first_members_of_a_large_group(shop: Shop) -> None:
    result = group(shop.app.tasks["shop.charge"].s(n) for n in range(30)).apply_async()
    text = shop("runs", "tree", result[0].id, "-n", "2").stdout
    assert "... and 28 more: 28 PENDING" in text
    assert text.count("shop.charge") == 2


def failing(shop: Shop) -> Any:
    @shop.app.task(name="shop.fail")
    def fail() -> None:
        raise ValueError("no such order")

    return fail.s()


def test_a_tree_tells_of_failures(shop: Shop) -> None:
    result = chain(failing(shop), shop.app.tasks["shop.mail"].si("a")).apply_async()
    drain(shop.app)
    text = shop("runs", "tree", result.id).stdout
    assert text.count("FAILURE") == 3


def test_a_tree_of_an_id_that_nobody_knows_is_refused(shop: Shop) -> None:
    assert shop("runs", "tree", "nobody").exit_code != 0


def test_runs_show_tells_that_a_run_waits_for_others(shop: Shop) -> None:
    result = workflow(shop)
    text = shop("runs", "show", result.id).stdout
    assert "it waits for 2 others of its workflow to end" in text
    assert f"runs tree {result.id}" in text
    member = shop("runs", "show", result.parent[1].id).stdout
    assert f"then  {result.id}" in member
    assert f"group  {result.parent.id}, member 1" in member


def test_what_never_got_its_values_is_not_run_again(shop: Shop) -> None:
    result = chain(failing(shop), shop.app.tasks["shop.mail"].si("a")).apply_async()
    drain(shop.app)
    refused = shop("runs", "retry", result.id)
    assert refused.exit_code != 0
    assert "never got the values" in refused.stderr
    again = shop("runs", "retry", result.parent.id).stdout.strip()
    assert shop.app.AsyncResult(again).run.message.joins == ()

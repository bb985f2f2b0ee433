"""Which queue a task's messages go to."""

from __future__ import annotations

import re
from typing import Any

import pytest

from horarium.errors import ImproperlyConfigured
from horarium.routing import Route, check_routes, route


@pytest.mark.parametrize(
    ("routes", "queue"),
    [
        (None, None),
        ({}, None),
        ({"shop.tasks.mail": {"queue": "mail"}}, "mail"),
        ({"shop.tasks.mail": "mail"}, "mail"),
        ({"shop.*": {"queue": "shop"}}, "shop"),
        ({"shop.*": "shop", "shop.tasks.mail": "mail"}, "mail"),
        ({"shop.tasks.m*": "first", "shop.*": "second"}, "first"),
        ({re.compile(r"shop\.(tasks|jobs)\..+"): "re"}, "re"),
        ({"shop.tasks.mai?": "one"}, "one"),
        ({"shop.tasks": "no"}, None),
        ([{"other": "no"}, {"shop.*": "second router"}], "second router"),
        ([[("shop.*", "pairs"), ("*", "rest")]], "pairs"),
        (({"shop.*": "tuple"},), "tuple"),
    ],
)
def test_the_first_route_that_answers_wins(routes: Any, queue: str | None) -> None:
    assert route("shop.tasks.mail", routes) == Route(queue=queue)
    check_routes(routes)


def test_names_are_compared_in_their_own_case() -> None:
    assert route("Shop.mail", {"shop.*": "no"}) == Route()


def test_a_route_may_give_a_priority_alone() -> None:
    assert route("a", {"a": {"priority": 9}}) == Route(priority=9)


def test_what_celery_routes_by_in_rabbitmq_is_accepted() -> None:
    assert route("a", {"a": {"queue": "q", "routing_key": "q.a", "exchange": "e"}}) == Route(queue="q")


def test_a_function_is_asked_for_each_call_with_the_call() -> None:
    seen: list[Any] = []

    def by_size(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **more: Any) -> Any:
        seen.append((name, args, kwargs, options, task))
        return {"queue": "large"} if args and args[0] > 10 else None

    routes = [by_size, {"*": "small"}]
    assert route("a", routes, args=[11], kwargs={"k": 1}, options={"o": 1}, task="t") == Route(
        queue="large", by_call=True
    )
    assert route("a", routes, args=[1]) == Route(queue="small", by_call=True)
    assert seen == [("a", [11], {"k": 1}, {"o": 1}, "t"), ("a", [1], {}, {}, None)]


def test_an_answer_that_depends_on_the_call_says_so() -> None:
    def router(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("asked without a call")

    assert route("a", [router]) == Route(by_call=True)
    assert route("a", [{"a": "exact"}, router]) == Route(queue="exact")  # the function would never be asked


@pytest.mark.parametrize(
    "routes",
    [
        5,
        {"a": 5},
        {"a": {"queue": ""}},
        {"a": {"queue": 5}},
        {"a": {"priority": 256}},
        {"a": {"priority": True}},
        {"a": {"queu": "typo"}},
        {5: "q"},
        [5],
        [["a", "b", "c"]],
    ],
)
def test_routes_that_cannot_be_read_are_refused_by_name(routes: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"task_routes: expected .*, got .*; "):
        check_routes(routes)


def test_a_dotted_path_must_have_been_imported_by_the_app() -> None:
    check_routes(["shop.routers.by_size"])
    with pytest.raises(ImproperlyConfigured, match="imported"):
        route("a", ["shop.routers.by_size"])

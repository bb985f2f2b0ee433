"""Stamps: point 19 of what is easy to get wrong."""

from __future__ import annotations

from typing import Any

import pytest
from canvas_words import Shop

from horarium import chain, chord, group
from horarium.app.signature import Signature
from horarium.app.stamping import StampingVisitor


def stamps_of(shop: Shop) -> list[tuple[str, Any]]:
    """Return what each run was stamped with, in the order of the runs."""
    from horarium.engines.records import Page, RunFilter

    runs = shop.app.engine.results.search(RunFilter(), Page(limit=100)).runs
    return sorted((run.message.task, run.message.headers.get("stamps")) for run in runs)


def test_point_19_stamps_travel_in_the_headers(shop: Shop) -> None:
    call = shop.echo.s(1)
    call.stamp(customer="x")
    result = call.apply_async()
    assert result.run.message.headers == {"stamps": {"customer": "x"}, "stamped_headers": ["customer"]}


def test_point_19_a_list_stays_a_list_and_a_scalar_a_scalar(shop: Shop) -> None:
    call = shop.echo.s(1)
    call.stamp(one=1, many=[1, 2], text="x")
    headers = call.apply_async().run.message.headers
    assert headers["stamps"] == {"one": 1, "many": [1, 2], "text": "x"}


@pytest.mark.parametrize("kind", ["chain", "group", "chord", "nested"])
def test_point_19_stamps_reach_every_task_of_a_canvas(shop: Shop, kind: str) -> None:
    canvas: Any = {
        "chain": shop.echo.s(1) | shop.echo.s(),
        "group": group(shop.echo.s(1), shop.echo.s(2)),
        "chord": chord([shop.echo.s(1), shop.echo.s(2)], shop.total.s()),
        "nested": chain(shop.echo.s(1), group(shop.echo.s(), chain(shop.echo.s(), shop.add.s(1))), shop.total.s()),
    }[kind]
    canvas.stamp(customer="x")
    canvas.apply_async()
    shop.run()
    assert {str(stamps) for task, stamps in stamps_of(shop)} == {"{'customer': 'x'}"}


@pytest.mark.parametrize("as_dict", [False, True])
def test_point_19_stamps_reach_callbacks_and_errbacks_also_as_plain_dicts(shop: Shop, as_dict: bool) -> None:
    def form(signature: Any) -> Any:
        return dict(signature) if as_dict else signature

    work = chain(
        shop.echo.s(1).set(link=[form(shop.note.s())]), shop.fail.s().set(link_error=[form(shop.on_failed_id.s())])
    )
    work.stamp(customer="x")
    work.apply_async()
    shop.run()
    assert [(task, stamps) for task, stamps in stamps_of(shop) if stamps != {"customer": "x"}] == []
    assert shop.counts["note"] == shop.counts["on_failed_id"] == 1


def test_point_19_a_visitor_decides_for_each_place(shop: Shop) -> None:
    class Visitor(StampingVisitor):
        def on_signature(self, sig: Signature, **headers: Any) -> dict[str, Any]:
            return {"own": sig.task}

        def on_chain_start(self, sig: Signature, **headers: Any) -> dict[str, Any]:
            return {"in_chain": True}

        def on_group_start(self, sig: Signature, **headers: Any) -> dict[str, Any]:
            return {"in_group": True}

        def on_chord_body(self, sig: Signature, **headers: Any) -> dict[str, Any]:
            return {"is_body": True}

        def on_callback(self, callback: Signature, **headers: Any) -> dict[str, Any]:
            return {"on_callback": True}

        def on_errback(self, errback: Signature, **headers: Any) -> dict[str, Any]:
            return {"on_errback": True}

    work = chord([shop.echo.s(1).set(link=shop.note.s())], shop.total.s().on_error(shop.on_failed_id.s()))
    work.stamp(Visitor())
    work.apply_async()
    shop.run()
    found = dict(stamps_of(shop))
    assert found["echo"] == {"own": "echo", "in_group": True}
    assert found["total"] == {"own": "total", "is_body": True}
    assert found["note"]["on_callback"] is True


def test_point_19_only_what_stamped_headers_names_is_a_stamp(shop: Shop) -> None:
    class Visitor(StampingVisitor):
        def on_signature(self, sig: Signature, **headers: Any) -> dict[str, Any]:
            return {"wanted": 1, "priority": 9, "stamped_headers": ["wanted"]}

    call = shop.echo.s(1)
    call.stamp(Visitor())
    result = call.apply_async()
    assert result.run.message.headers["stamps"] == {"wanted": 1}


def test_point_19_stamps_can_be_appended(shop: Shop) -> None:
    call = shop.echo.s(1)
    call.stamp(customer="x")
    call.stamp(customer="y", append_stamps=True)
    assert call.apply_async().run.message.headers["stamps"] == {"customer": ["x", "y"]}


def test_point_19_stamps_are_merged_on_replace(shop: Shop) -> None:
    @shop.app.task(name="swap", bind=True)
    def swap(self: Any) -> Any:
        sig = shop.echo.s(1) | shop.add.s(1)
        sig.stamp(inner="b")
        raise self.replace(sig)

    call = swap.s()
    call.stamp(outer="a")
    result = call.apply_async()
    shop.run()
    assert result.run.message.headers["stamps"] == {"outer": "a", "inner": "b"}
    assert dict(stamps_of(shop))["echo"] == {"outer": "a", "inner": "b"}


def test_point_19_stamps_are_kept_on_retry(shop: Shop) -> None:
    @shop.app.task(name="shaky", bind=True, max_retries=1, default_retry_delay=0)
    def shaky(self: Any) -> Any:
        if not self.request.retries:
            raise self.retry()
        return self.request.headers["stamps"]

    call = shaky.s()
    call.stamp(customer="x")
    result = call.apply_async()
    shop.run()
    assert result.get(timeout=0) == {"customer": "x"}

"""Signatures as callers hold them: dicts that can be copied, pickled, said in JSON and composed. Row 20 of the
semantics: a signature sent as a dict is rebuilt deep."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from typing import Any

import pytest
from canvas_words import Shop

from horarium import chain, chord, group
from horarium.app.mapping import chunks, xmap, xstarmap
from horarium.app.signature import Signature, maybe_signature, signature
from horarium.errors import InvalidArguments

KINDS = ["task", "chain", "group", "chord", "nested", "chunks", "map", "starmap"]


def canvas_of(shop: Shop, kind: str) -> Any:
    return {
        "task": shop.add.s(1, y=2).set(queue="slow"),
        "chain": shop.echo.s(1) | shop.add.s(1),
        "group": group(shop.echo.s(1), shop.echo.s(2)),
        "chord": chord([shop.echo.s(1), shop.echo.s(2)], shop.total.s()),
        "nested": chord([group(shop.echo.s(1)), shop.echo.s(2) | shop.add.s(1)], shop.total.s() | shop.add.s(1)),
        "chunks": shop.add.chunks([(1, 1), (2, 2), (3, 3)], 2),
        "map": shop.echo.map([1, 2]),
        "starmap": shop.add.starmap([(1, 2), (3, 4)]),
    }[kind]


VALUES = {
    "task": 3,
    "chain": 2,
    "group": [1, 2],
    "chord": 3,
    "nested": 5,
    "chunks": [[2, 4], [6]],
    "map": [1, 2],
    "starmap": [3, 7],
}


def value_of(shop: Shop, canvas: Any) -> Any:
    result = canvas.apply_async()
    shop.run()
    return result.get(timeout=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["as it is", "clone", "deepcopy", "copy", "pickle", "json", "signature()"])
def test_point_20_a_signature_comes_back_from_wherever_it_was(shop: Shop, kind: str, way: str) -> None:
    canvas = canvas_of(shop, kind)
    back: Any = {
        "as it is": lambda: canvas,
        "clone": canvas.clone,
        "deepcopy": lambda: copy.deepcopy(canvas),
        "copy": lambda: copy.copy(canvas),
        "pickle": lambda: pickle.loads(pickle.dumps(canvas)),
        "json": lambda: Signature.from_dict(json.loads(json.dumps(canvas)), app=shop.app),
        "signature()": lambda: signature(json.loads(json.dumps(canvas)), app=shop.app),
    }[way]()
    assert type(back) is type(canvas)
    assert value_of(shop, back) == VALUES[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_canvas_has_a_readable_form(shop: Shop, kind: str) -> None:
    assert any(name in repr(canvas_of(shop, kind)) for name in ("echo", "add"))


def test_point_20_what_is_inside_of_a_dict_is_rebuilt_too(shop: Shop) -> None:
    data = json.loads(json.dumps(canvas_of(shop, "nested")))
    back = Signature.from_dict(data, app=shop.app)
    assert isinstance(back, chord)
    assert [type(part) for part in back.tasks] == [group, chain]
    assert isinstance(back.body, chain)


def test_a_celery_chords_dict_with_a_group_for_its_header_is_read(shop: Shop) -> None:
    data = {
        "task": "celery.chord",
        "args": [],
        "kwargs": {"header": dict(group(shop.echo.s(1), shop.echo.s(2))), "body": dict(shop.total.s()), "kwargs": {}},
        "options": {},
        "subtask_type": "chord",
        "immutable": False,
    }
    assert value_of(shop, Signature.from_dict(data, app=shop.app)) == 3


def test_a_signature_is_a_dict_with_celerys_keys(shop: Shop) -> None:
    call = shop.add.s(1, y=2).set(queue="slow")
    assert dict(call) == {
        "task": "add",
        "args": (1,),
        "kwargs": {"y": 2},
        "options": {"queue": "slow"},
        "subtask_type": None,
        "immutable": False,
    }
    assert (call.task, call.args, call.kwargs, call.options, call.immutable) == (
        "add",
        (1,),
        {"y": 2},
        {"queue": "slow"},
        False,
    )


def test_a_clone_shares_neither_options_nor_keywords_with_its_original(shop: Shop) -> None:
    call = shop.echo.s([1])
    call.link(shop.note.s())
    other = call.clone()
    other.options["link"].append("x")
    other.kwargs["z"] = 1
    assert len(call.options["link"]) == 1
    assert call.kwargs == {}


def test_clone_puts_arguments_in_front_and_options_on_top(shop: Shop) -> None:
    call = shop.add.s(2).set(queue="slow").clone(args=(1,), kwargs={"z": 3}, priority=7)
    assert (call.args, call.kwargs, call.options) == ((1, 2), {"z": 3}, {"queue": "slow", "priority": 7})


def test_an_immutable_clone_takes_options_only(shop: Shop) -> None:
    call = shop.add.si(2, 3).clone(args=(1,), kwargs={"z": 3}, priority=7)
    assert (call.args, call.kwargs, call.options) == ((2, 3), {}, {"priority": 7})


def test_replace_puts_others_in_place(shop: Shop) -> None:
    call = shop.add.s(1, 2).set(queue="slow")
    other = call.replace(args=(5,), kwargs={"y": 6}, options={})
    assert (other.args, other.kwargs, other.options) == ((5,), {"y": 6}, {})
    assert call.args == (1, 2)


def test_calling_a_signature_calls_the_function(shop: Shop) -> None:
    assert shop.add.s(2)(1) == 3
    assert shop.diary == [("add", (1, 2))]


def test_composing_changes_neither_side(shop: Shop) -> None:
    left, right = shop.echo.s(1) | shop.add.s(1), group(shop.echo.s(), shop.echo.s())
    before = copy.deepcopy(left), copy.deepcopy(right)
    _ = left | right | shop.total.s()
    assert (left, right) == before


def test_composing_in_place_is_composing(shop: Shop) -> None:
    work: Any = shop.echo.s(1)
    work |= shop.add.s(1)
    assert isinstance(work, chain)
    assert value_of(shop, work) == 2


def test_a_chain_of_chains_is_flat(shop: Shop) -> None:
    work = chain(shop.echo.s(1), chain(shop.add.s(1), chain(shop.add.s(1))))
    assert [step.task for step in work.tasks] == ["echo", "add", "add"]


def test_one_task_after_another_gets_composed_with_what_is_no_signature_only_by_error(shop: Shop) -> None:
    with pytest.raises(TypeError):
        _ = shop.echo.s(1) | 5


def test_tilde_sends_and_waits(shop: Shop) -> None:
    shop.app.conf.task_always_eager = True
    assert ~shop.add.s(1, 2) == 3


def test_sending_twice_makes_two_workflows(shop: Shop) -> None:
    work = shop.echo.s(1) | group(shop.echo.s(), shop.echo.s()) | shop.total.s()
    first, second = work.apply_async(), work.apply_async()
    shop.run()
    assert first.id != second.id
    assert (first.get(timeout=0), second.get(timeout=0)) == (2, 2)


def test_run_sends_as_apply_async_does(shop: Shop) -> None:
    chained = (shop.add.s(1) | shop.add.s(2)).run((10,))
    joined = chord([shop.echo.s(1)], shop.total.s()).run([shop.echo.s(5), shop.echo.s(6)], shop.total.s())
    shop.run()
    assert (chained.get(timeout=0), joined.get(timeout=0)) == (13, 11)


def test_links_are_listed_and_flattened(shop: Shop) -> None:
    call, linked, deeper = shop.echo.s(1), shop.echo.s(), shop.note.s()
    linked.link(deeper)
    call.link(linked)
    assert [each.task for each in call.flatten_links()] == ["echo", "echo", "note"]


def test_maybe_signature_takes_what_may_be_one(shop: Shop) -> None:
    call = shop.echo.s(1)
    assert maybe_signature(None) is None
    assert maybe_signature(call) is call
    assert maybe_signature(dict(call), app=shop.app) == call


def test_a_dict_that_is_no_signature_is_refused() -> None:
    with pytest.raises(InvalidArguments, match="signature"):
        Signature.from_dict({"args": []})


def test_skew_gives_growing_countdowns(shop: Shop) -> None:
    work = group(shop.echo.s(n) for n in range(5)).skew(start=1, stop=4)
    assert [part.options["countdown"] for part in work.tasks] == [1, 2, 3, 1, 2]


def test_chunks_map_and_starmap_have_celerys_classes_and_runs(shop: Shop) -> None:
    parts = shop.add.chunks([(n, n) for n in range(10)], 4)
    assert isinstance(parts, chunks)
    assert len(parts.group()) == 3
    assert isinstance(shop.echo.map([1]), xmap)
    assert isinstance(shop.add.starmap([(1, 1)]), xstarmap)
    assert value_of(shop, parts.group() | shop.echo.s()) == [[0, 2, 4, 6], [8, 10, 12, 14], [16, 18]]


def test_map_fits_into_a_chain(shop: Shop) -> None:
    assert value_of(shop, shop.echo.map([1, 2, 3]) | shop.total.s()) == 6


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_runs_eagerly_and_by_apply(shop: Shop, kind: str) -> None:
    assert canvas_of(shop, kind).apply().get() == VALUES[kind]
    shop.app.conf.task_always_eager = True
    assert canvas_of(shop, kind).apply_async().get() == VALUES[kind]


def test_a_failure_is_raised_eagerly_where_that_is_wanted(shop: Shop) -> None:
    work = shop.echo.s(1) | shop.fail.s()
    assert work.apply().failed()
    with pytest.raises(ValueError, match="no such amount"):
        work.apply(throw=True)
    shop.app.conf.update(task_always_eager=True, task_eager_propagates=True)
    with pytest.raises(ValueError, match="no such amount"):
        work.apply_async()
    with pytest.raises(ValueError, match="no such amount"):
        group(shop.echo.s(1), shop.fail.s()).apply_async()


def test_tasks_replace_add_and_retry_eagerly_too(shop: Shop) -> None:
    @shop.app.task(name="swap", bind=True)
    def swap(self: Any) -> Any:
        raise self.replace(shop.echo.s(1) | shop.add.s(1))

    @shop.app.task(name="adds", bind=True)
    def adds(self: Any) -> int:
        self.add_to_chord(shop.echo.s(10))
        return 5

    @shop.app.task(name="shaky", bind=True, max_retries=2)
    def shaky(self: Any) -> int:
        if not self.request.retries:
            raise self.retry(countdown=3600)
        return 7

    assert chord([swap.s(), adds.s(), shaky.s()], shop.total.s()).apply().get() == 2 + 5 + 10 + 7


def test_a_failing_canvas_fails_eagerly_as_well(shop: Shop) -> None:
    shop.app.conf.task_always_eager = True
    result = (shop.echo.s(1) | shop.fail.s() | shop.echo.s()).apply_async()
    with pytest.raises(ValueError, match="no such amount"):
        result.get()
    assert result.parent.failed()


@pytest.mark.parametrize(
    "text",
    [
        "print(type(signature('a') | signature('b')).__name__)",
        "print(type(signature(dict(task='celery.chain', subtask_type='chain', args=(), options={}, "
        "kwargs={'tasks': [dict(task='a', args=(), kwargs={}, options={})]}))).__name__)",
    ],
)
def test_a_signature_knows_all_kinds_before_there_is_an_app(text: str) -> None:
    script = f"from horarium import signature; {text}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("chain\n", "")

"""Canvas: chain, group, chord, and all in all."""

import pytest
from celery import chain, chord, chunks, group, signature, uuid
from celery.canvas import Signature, maybe_signature
from celery.exceptions import ChordError
from celery.result import GroupResult, ResultSet
from sample import journal, tasks
from sample.tasks import add, identity, mul, xsum

PATIENCE = 30


def test_a_chain_passes_each_result_on():
    assert chain(add.s(2, 2), mul.s(8), mul.s(10)).apply_async().get(timeout=PATIENCE) == 320
    assert (add.s(2, 2) | mul.s(8)).delay().get(timeout=PATIENCE) == 32
    assert chain(add.s(4), mul.s(8))(16).get(timeout=PATIENCE) == 160


def test_an_immutable_link_of_a_chain_is_given_nothing():
    assert (add.s(2, 2) | add.si(5, 5) | mul.s(2)).delay().get(timeout=PATIENCE) == 20


def test_the_parents_of_a_chain_are_known():
    result = (add.s(1, 1) | add.s(10) | add.s(100)).apply_async()
    assert result.get(timeout=PATIENCE) == 112
    assert result.parent.get(timeout=PATIENCE) == 12
    assert result.parent.parent.get(timeout=PATIENCE) == 2


def test_a_chain_ends_where_it_fails():
    text = uuid()
    with pytest.raises(tasks.OutOfStock):
        (tasks.fail.si("broken") | tasks.note.si(text)).apply_async().get(timeout=PATIENCE)
    assert f"note {text}" not in journal.lines()


def test_a_group_runs_side_by_side_and_keeps_the_order():
    result = group(add.s(number, number) for number in range(10)).apply_async()
    assert result.get(timeout=PATIENCE) == [2 * number for number in range(10)]
    assert isinstance(result, GroupResult)
    assert len(result) == 10 and result.completed_count() == 10
    assert result.successful() and result.ready() and not result.failed()
    assert [child.get(timeout=PATIENCE) for child in result] == result.join(timeout=PATIENCE)


def test_a_group_is_called_with_arguments():
    assert group(add.s(1), add.s(2))(10).get(timeout=PATIENCE) == [11, 12]


def test_a_group_result_is_saved_and_restored(app):
    result = group(add.s(1, 1), add.s(2, 2)).apply_async()
    result.save()
    assert GroupResult.restore(result.id, app=app).get(timeout=PATIENCE) == [2, 4]


def test_an_empty_group_has_no_results():
    assert group([]).apply_async().get(timeout=PATIENCE) == []


def test_a_chord_calls_its_body_with_all_results():
    assert chord([add.s(n, n) for n in range(10)])(xsum.s()).get(timeout=PATIENCE) == 90
    assert chord((add.s(n, n) for n in range(3)), xsum.s()).apply_async().get(timeout=PATIENCE) == 6


def test_a_group_before_a_task_is_a_chord():
    assert (group(add.s(n, n) for n in range(5)) | xsum.s() | mul.s(2)).delay().get(timeout=PATIENCE) == 40


def test_a_failed_header_fails_the_body_and_calls_its_errback():
    body = xsum.s().on_error(tasks.report_failure_of.s())
    result = chord([add.s(1, 1), tasks.fail.s("broken")])(body)
    journal.wait_for(f"errback {result.id}")
    assert isinstance(result.get(timeout=PATIENCE, propagate=False), ChordError)
    with pytest.raises((ChordError, tasks.OutOfStock)):
        result.get(timeout=PATIENCE)


def test_a_chain_in_a_group_in_a_chain():
    whole = chain(identity.s(2), group(add.s(1) | mul.s(10), add.s(2)), xsum.s())
    assert whole.delay().get(timeout=PATIENCE) == 34


def test_a_chord_in_a_chord():
    inner = chord([add.s(1, 1), add.s(2, 2)], xsum.s())
    assert chord([inner, add.s(10, 10)], xsum.s()).delay().get(timeout=PATIENCE) == 26


def test_a_group_of_groups_in_a_chain():
    whole = identity.s(1) | group(group(add.s(1), add.s(2)), add.s(3)) | xsum.s()
    assert whole.delay().get(timeout=PATIENCE) == 9


def test_replace_hands_over():
    assert tasks.hand_over.delay(5).get(timeout=PATIENCE) == 105
    assert (tasks.hand_over.s(5) | mul.s(2)).delay().get(timeout=PATIENCE) == 210


def test_replace_by_a_group_in_a_chain():
    assert (tasks.fan_out.s([1, 2, 3]) | xsum.s()).delay().get(timeout=PATIENCE) == 60


def test_chunks_map_and_starmap():
    assert add.chunks(zip(range(6), range(6), strict=True), 2)().get(timeout=PATIENCE) == [[0, 2], [4, 6], [8, 10]]
    assert chunks(add.s(), [(1, 1)], 1)().get(timeout=PATIENCE) == [[2]]
    assert xsum.map([[1, 2], [3, 4]]).delay().get(timeout=PATIENCE) == [3, 7]
    assert add.starmap([(1, 2), (3, 4)]).delay().get(timeout=PATIENCE) == [3, 7]


def test_a_signature_is_a_dictionary():
    made = add.s(2, 2).set(countdown=0)
    assert made["task"] == "sample.tasks.add" and made.args == (2, 2) and made.options["countdown"] == 0
    assert signature(dict(made)).delay().get(timeout=PATIENCE) == 4
    assert isinstance(maybe_signature(dict(made)), Signature)
    assert made.clone() == made
    assert signature("sample.tasks.add", args=(1, 2)).delay().get(timeout=PATIENCE) == 3


def test_an_errback_of_a_chain_hears_of_its_failure():
    text = uuid()
    sent = chain(tasks.fail.si("broken"), tasks.note.si(text)).on_error(tasks.report_failure_of.s()).delay()
    journal.wait_for(f"errback {sent.parent.id}")


def test_links_of_a_chord_and_of_a_chain_are_called():
    text = uuid()
    whole = chord([identity.s(text)], identity.s())
    whole.link(tasks.note.s())
    whole.delay()
    journal.wait_for(f"note {[text]}")
    chained = chain(identity.s(text), identity.s())
    chained.link(tasks.note.s())
    chained.delay()
    journal.wait_for(f"note {text}")


def test_a_set_of_results_waits_for_all():
    results = ResultSet([add.delay(1, 1), add.delay(2, 2)])
    results.add(add.delay(3, 3))
    assert sorted(results.get(timeout=PATIENCE)) == [2, 4, 6]
    assert results.completed_count() == 3


def test_canvas_runs_eagerly(app):
    app.conf.task_always_eager = True
    try:
        assert chain(add.s(1, 1), mul.s(5)).delay().get() == 10
        assert group(add.s(1, 1), add.s(2, 2)).delay().get() == [2, 4]
        assert chord([add.s(1, 1), add.s(2, 2)], xsum.s()).delay().get() == 6
    finally:
        app.conf.task_always_eager = False

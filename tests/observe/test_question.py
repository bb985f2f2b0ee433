"""The one line that runs are asked for by: read, refused with its place, and written again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horarium.errors import InvalidQuestion
from horarium.observe.question import (
    DEEPEST,
    EVERYTHING,
    FIELDS,
    MOST_CHARS,
    MOST_TERMS,
    Either,
    Every,
    Not,
    Question,
    Term,
    asked,
    every,
    negated,
    parse,
    parts_of,
    seconds_of,
    states_of,
    without,
    written,
)


def test_an_empty_question_means_every_run() -> None:
    assert parse("") == parse("  \n ") == EVERYTHING
    assert written(EVERYTHING) == ""


def test_words_beside_one_another_must_all_hold() -> None:
    assert parse("state:failed AND task:shop.*  refused") == Every(
        (Term(field="state", value="failed"), Term(field="task", value="shop.*"), Term(value="refused"))
    )


def test_or_binds_less_than_what_stands_together_and_parentheses_bind_first() -> None:
    a, b, c = Term(value="a"), Term(value="b"), Term(value="c")
    assert parse("a b OR c") == Either((Every((a, b)), c))
    assert parse("a (b OR c)") == Every((a, Either((b, c))))
    assert parse("-a -(b c)") == Every((Not(a), Not(Every((b, c)))))
    assert parse("-(-a)") == a


def test_commas_name_alternatives() -> None:
    two = Either((Term(field="state", value="failed"), Term(field="state", value="dead")))
    assert parse("state:failed,dead") == parse("state:failed OR state:dead") == two
    assert written(two) == "state:failed,dead"
    assert parse("error:a,b") == Term(field="error", value="a,b")


def test_quotes_keep_everything_as_it_is() -> None:
    assert parse('task:"a b,c*"') == Term(field="task", value="a b,c*", is_literal=True)
    assert parse(r'"say \"OR\" \\ \n"') == Term(value=r"say " + '"OR"' + r" \ \n", is_literal=True)
    assert parse('"OR"') == Term(value="OR", is_literal=True)
    assert parse('args."a b".c:""') == Term(field="args", path="a b.c", value="", is_literal=True)


def test_durations_are_compared() -> None:
    assert parse("duration>1.5m") == Term(field="duration", sign=">", value="1.5m")
    assert [seconds_of(text) for text in ("500ms", "30", "2h", "1d", "x", "")] == [
        0.5,
        30.0,
        7200.0,
        86_400.0,
        None,
        None,
    ]


def test_states_are_named_as_people_see_them_or_as_celery_does() -> None:
    assert states_of(asked("state", "failed")) == states_of(asked("state", "FAILURE")) == ("FAILURE",)
    assert states_of(asked("state", "UPLOADING")) == ("UPLOADING",)
    assert parse("state:UPLOADING")


@pytest.mark.parametrize(
    ("text", "position", "nearest", "words"),
    [
        ("a taks:x", 2, "task:", "no field is called 'taks'"),
        ("state:faild", 6, "failed", "no state is called 'faild'"),
        ("state:missed", 6, None, "the page of its schedule"),
        ("state:", 6, None, "expected a state"),
        ("dration>5s", 0, "duration", "duration or waited"),
        ("duration:5s", 0, None, "expected > or <"),
        ("duration>soon", 9, None, "a span such as"),
        ("since:someday", 6, None, "got 'someday'"),
        ("args:5", 0, None, "args.order:1115"),
        ('say "hello', 4, None, "a second"),
        ("(a b", 0, None, "expected )"),
        ("a )", 2, None, "closes nothing"),
        ("a OR", 4, None, "expected a word"),
        ("OR a", 0, None, "expected a word"),
        ("()", 1, None, "expected a word"),
        ('""', 0, None, "between the quotes"),
        ("a \x00", 2, None, "can be seen"),
        ("a\ud800", 1, None, "can be seen"),
        ("x" * (MOST_CHARS + 1), MOST_CHARS, None, "at most 1000 characters"),
        ("a " * (MOST_TERMS + 1), 2 * MOST_TERMS, None, "at most 50 words"),
        ("id:" + "a," * MOST_TERMS + "a", 0, None, "at most 50 words"),
        ("(" * (DEEPEST + 2) + "a" + ")" * (DEEPEST + 2), DEEPEST + 1, None, "parentheses"),
    ],
)
def test_a_wrong_question_names_the_place_and_what_was_likely_meant(
    text: str, position: int, nearest: str | None, words: str
) -> None:
    with pytest.raises(InvalidQuestion) as caught:
        parse(text)
    assert (caught.value.position, caught.value.nearest) == (position, nearest)
    assert words in str(caught.value)


def test_parts_are_taken_out_and_put_in() -> None:
    question = parse("state:failed,dead task:a since:1h")
    assert written(without(question, "state")) == "task:a since:1h"
    assert written(every(without(question, "state", "since"), asked("state", "dead"))) == "task:a state:dead"
    assert without(parse("state:failed"), "state") == EVERYTHING
    assert len(parts_of(question)) == 3


def test_every_word_is_in_the_page_of_questions() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "questions.md").read_text("utf-8")
    signs = {"duration": "`duration`", "waited": "`waited`", "args": "`args.NAME:`"}
    assert [field for field in FIELDS if signs.get(field, f"`{field}:`") not in page] == []


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    _read_or_refused(text)


ALPHABET = st.sampled_from(
    [*'()-",:<>.*\\ ', " OR ", " AND ", "state:", "failed", "args.", "duration>", "5s", "x", "ü"]
)


@given(st.lists(ALPHABET, max_size=25).map("".join))
@settings(max_examples=300, deadline=None)
def test_anything_made_of_the_grammars_own_signs_is_read_or_refused(text: str) -> None:
    _read_or_refused(text)


def _read_or_refused(text: str) -> None:
    try:
        question = parse(text)
    except InvalidQuestion as error:
        assert 0 <= error.position <= len(text)
        return
    assert parse(written(question)) == question


def _terms() -> st.SearchStrategy[Question]:
    some = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs", "S")), min_size=1, max_size=8)
    named = st.sampled_from(["task", "queue", "worker", "schedule", "id", "error", "state", ""])
    return st.builds(asked, named, some.filter(lambda text: all(c.isprintable() or c.isspace() for c in text)))


def _joined(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Question]:
    two = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(two.map(Every), two.map(Either), parts.map(negated))


@given(st.recursive(_terms(), _joined, max_leaves=8))
@settings(max_examples=200, deadline=None)
def test_a_question_that_a_program_makes_is_read_as_it_was_meant(question: Question) -> None:
    assert parse(written(question)) == question

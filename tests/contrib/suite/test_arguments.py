"""What a Django project passes to its tasks."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from depot import tasks
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import mark_safe
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy
from shop.models import Order
from site_project.celery import app

from horarium.errors import EncodingError
from horarium.testing import Bench, captured


@pytest.fixture(autouse=True)
def bench() -> Iterator[Bench]:
    with captured(app) as bench:
        yield bench


@pytest.mark.parametrize("how", ["delay", "delay_on_commit"])
@pytest.mark.django_db
def test_an_instance_is_refused_at_the_call_with_its_place_and_its_pk_row_60(how: str) -> None:
    order = Order.objects.create(text="a")
    with pytest.raises(EncodingError) as caught:
        getattr(tasks.order, how)(order)
    said = str(caught.value)
    assert said.startswith("args[0] (text): expected a value that JSON can carry, got shop.models.Order; ")
    assert f"pass its pk, {order.pk}," in said
    with pytest.raises(EncodingError, match=r'kwargs\["text"\].*shop.models.Order.*pk'):
        getattr(tasks.order, how)(text=order)
    with pytest.raises(EncodingError, match=r"args\[0\]\[1\] \(text\): .*shop.models.Order"):
        getattr(tasks.order, how)([1, order])


def test_one_that_is_not_saved_is_to_be_saved_first_row_60() -> None:
    with pytest.raises(EncodingError, match="save it, pass its pk"):
        tasks.order.delay(Order(text="a"))


def test_a_lazy_object_is_what_it_stands_for_row_60() -> None:
    user: Any = SimpleLazyObject(lambda: Order(pk=7, text="a"))  # as request.user is
    with pytest.raises(EncodingError, match=r"got shop.models.Order; pass its pk, 7,"):
        tasks.order.delay(user)


def test_a_queryset_is_refused_without_asking_the_database_row_60() -> None:
    for several in (Order.objects.all(), Order.objects):
        with pytest.raises(EncodingError, match=r"values_list\('pk', flat=True\)"):
            tasks.nothing.delay(several)


def test_what_django_makes_of_texts_and_numbers_is_carried(bench: Bench) -> None:
    given = [
        mark_safe("<b>safe</b>"),
        gettext_lazy("Monday"),
        format_lazy("{}!", gettext_lazy("Monday")),
        SimpleLazyObject(lambda: "lazy"),
        decimal.Decimal("9.90"),
        uuid.UUID(int=7),
        datetime.date(2026, 12, 24),
    ]
    tasks.nothing.delay(*given)
    [sent] = bench.enqueued(tasks.nothing)
    assert sent.args[:4] == ("<b>safe</b>", "Monday", "Monday!", "lazy")
    assert sent.args[4:] == (decimal.Decimal("9.90"), uuid.UUID(int=7), datetime.date(2026, 12, 24))

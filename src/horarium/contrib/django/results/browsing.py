"""Lists of results that stay quick with a million rows: nothing counts, compares or searches all of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

COUNTED = 10_000  # rows; of more the list shows so many, by filter and search one comes to the others
NEWEST = 2_000  # rows whose values are offered as filters
SEARCHED = 20_000  # newest rows in whose texts is searched


class BoundedPaginator(Paginator):
    """Counts no further than COUNTED."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return rows.order_by().values("pk")[:COUNTED].count() if isinstance(rows, QuerySet) else len(rows)


def filter_by(field: str, title: Any) -> type[admin.SimpleListFilter]:
    """Return a filter by the values that the newest rows have in a column."""

    class ByValue(admin.SimpleListFilter):
        parameter_name = field

        def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, str]]:
            newest = model_admin.model._default_manager.order_by("-date_done").values_list(field, flat=True)[:NEWEST]
            found = {value for value in newest if value}
            if chosen := self.value():
                found.add(chosen)
            return [(value, value) for value in sorted(found)]

        def queryset(self, request: Any, queryset: QuerySet) -> QuerySet:
            return queryset.filter(**{field: self.value()}) if self.value() else queryset

        def has_output(self) -> bool:
            return True

    ByValue.title = title
    return ByValue


class BoundedList(admin.ModelAdmin):
    """A list of what workers have written: newest first, searched by id everywhere and by text among the newest."""

    paginator = BoundedPaginator
    show_full_result_count = False
    if hasattr(admin, "ShowFacets"):  # since Django 5.0: a count for each value of each filter
        show_facets = admin.ShowFacets.NEVER
    list_per_page = 100
    search_help_text = _("An id, or a text that is looked for in the newest 20,000 rows.")
    id_field = ""
    texts: tuple[str, ...] = ()

    def get_search_results(self, request: Any, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        by_id = queryset.filter(**{self.id_field: term})
        if not self.texts or by_id.exists():
            return by_id, False
        newest = self.model._default_manager.order_by("-date_done")
        oldest = newest.values_list("date_done", flat=True)[SEARCHED : SEARCHED + 1].first()
        wanted = Q()
        for text in self.texts:
            wanted |= Q(**{f"{text}__icontains": term})
        found = queryset.filter(wanted)
        return (found.filter(date_done__gt=oldest) if oldest is not None else found), False

    def has_add_permission(self, request: Any) -> bool:
        return False

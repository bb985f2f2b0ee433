"""Wikidata, as the tasks see it: adaptations, page by page, by SPARQL over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx

ACCEPT = "application/sparql-results+json"
# P144: based on; P50: author; P4947 and P4983: the film's and the series' number in the film database.
QUERY = """
SELECT ?work ?title ?author ?screen ?screenTitle ?film ?series WHERE {{
  ?screen wdt:P144 ?work ; rdfs:label ?screenTitle .
  ?work rdfs:label ?title .
  FILTER(LANG(?screenTitle) = "en" && LANG(?title) = "en")
  OPTIONAL {{ ?work wdt:P50 ?writer . ?writer rdfs:label ?author . FILTER(LANG(?author) = "en") }}
  OPTIONAL {{ ?screen wdt:P4947 ?film }}
  OPTIONAL {{ ?screen wdt:P4983 ?series }}
}}
ORDER BY ?screen ?work
LIMIT {limit} OFFSET {offset}
"""


class Adaptation(NamedTuple):
    work_id: str  # Q1
    title: str
    author: str
    screen_id: str
    screen_title: str
    film: int | None
    series: int | None


class Wikidata:
    """A SPARQL endpoint. Every method may raise httpx.HTTPError: no answer, an answer that is an error."""

    def __init__(self, url: str, *, timeout: float) -> None:
        self._client = httpx.Client(timeout=timeout, headers={"Accept": ACCEPT, "User-Agent": "adaptapedia/1.0"})
        self._url = url

    def __enter__(self) -> Wikidata:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def pages(self, size: int) -> Iterator[list[Adaptation]]:
        """All adaptations, in the order of their ids, so many at a time; a page that is not full is the last."""
        offset = 0
        while page := self._page(size, offset):
            yield page
            if len(page) < size:
                return
            offset += size

    def _page(self, limit: int, offset: int) -> list[Adaptation]:
        answer = self._client.post(self._url, data={"query": QUERY.format(limit=limit, offset=offset)})
        answer.raise_for_status()
        return [_adaptation(binding) for binding in answer.json()["results"]["bindings"]]


def _adaptation(binding: dict[str, Any]) -> Adaptation:
    values = {name: term["value"] for name, term in binding.items()}
    return Adaptation(
        work_id=_id(values["work"]),
        title=values["title"],
        author=values.get("author", ""),
        screen_id=_id(values["screen"]),
        screen_title=values["screenTitle"],
        film=int(values["film"]) if "film" in values else None,
        series=int(values["series"]) if "series" in values else None,
    )


def _id(iri: str) -> str:
    return iri.rpartition("/")[2]

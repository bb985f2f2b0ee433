"""A SPARQL endpoint (rdflib) with the catalogue in Wikidata's words: GET /sparql?query=..., or POST of the same as a
form; answers as JSON."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from pyparsing import ParseException
from rdflib import Graph, Literal, Namespace
from rdflib.namespace import RDFS

from outside.catalogue import books, screens
from outside.moods import MoodyHandler, MoodyServer, serving

WD = Namespace("http://www.wikidata.org/entity/")
WDT = Namespace("http://www.wikidata.org/prop/direct/")
PREFIXES = {"wd": WD, "wdt": WDT, "rdfs": RDFS}
RESULTS = "application/sparql-results+json"


class SparqlHandler(MoodyHandler):
    def answer(self) -> None:
        address = urlsplit(self.path)
        queries = parse_qs(self.body.decode() or address.query).get("query")
        if address.path != "/sparql" or queries is None:
            self.send(404, {"message": "ask /sparql?query=..."})
            return
        try:
            body = _answers.to(queries[0])
        except ParseException as error:
            self.send(400, {"message": f"this is no SPARQL: {error}"})
            return
        self.send_bytes(200, body, RESULTS)


class _Answers:
    """What was asked once is known: the catalogue does not change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # of both below; and rdflib's parser is not made for threads
        self._graph: Graph | None = None
        self._known: dict[str, bytes] = {}

    def prepare(self) -> None:
        """Let nobody wait for the first answer."""
        with self._lock:
            self._graph = self._graph or catalogue_graph()

    def to(self, query: str) -> bytes:
        self.prepare()
        with self._lock:
            if query not in self._known:
                assert self._graph is not None
                self._known[query] = self._graph.query(query, initNs=PREFIXES).serialize(format="json") or b""
            return self._known[query]


_answers = _Answers()


def catalogue_graph() -> Graph:
    """The catalogue as triples, with Wikidata's properties."""
    graph = Graph()
    for book in books():
        work, author = WD[f"Q{book.number}"], WD[f"Q{book.author_number}"]
        graph.add((work, RDFS.label, Literal(book.title, lang="en")))
        graph.add((work, WDT.P50, author))
        graph.add((author, RDFS.label, Literal(book.author, lang="en")))
    for screen in screens():
        subject = WD[f"Q{screen.number}"]
        graph.add((subject, RDFS.label, Literal(screen.title, lang="en")))
        graph.add((subject, WDT.P144, WD[f"Q{screen.based_on}"]))
        graph.add((subject, WDT.P4983 if screen.is_series else WDT.P4947, Literal(str(screen.film_number))))
    return graph


@contextmanager
def sparql_server(port: int = 0, nth: int = 5) -> Iterator[str]:
    """Serve until the block ends; gives the address of the endpoint."""
    _answers.prepare()
    with serving(MoodyServer(port, SparqlHandler, nth)) as server:
        yield f"{server.address}/sparql"

"""How results hang together: what came before one, what it set off, and the whole as a graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from horarium.errors import IncompleteStream


class Answer:
    """What AsyncResult and GroupResult have in common: a place among other results."""

    id: str
    parent: Any  # the Answer before this one, or None

    @property
    def children(self) -> Any:
        raise NotImplementedError

    def ready(self) -> bool:
        raise NotImplementedError

    def as_tuple(self, after: Any = None) -> Any:
        """Return it as plain data: ((id, parent), members), of parents only those that come after the given result.
        ``result_from_tuple`` makes it again."""
        line = [*self.parents(), self]
        ids = [each.id for each in line]
        start = ids.index(after.id) + 1 if after is not None and after.id in ids else 0
        here: Any = None
        for each in line[start:]:
            here = ((each.id, here), each.members_as_tuples())
        return here

    def members_as_tuples(self) -> list[Any] | None:
        """Return the members of a group as plain data; None for what has none."""
        return None

    def maybe_throw(self, propagate: bool = True, callback: Any = None) -> Any:
        raise NotImplementedError

    def parents(self) -> list[Any]:
        """Return what came before it, the first one first."""
        found: list[Any] = []
        here = self.parent
        while here is not None:
            found.append(here)
            here = here.parent
        return found[::-1]

    def iterdeps(self, intermediate: bool = False) -> Iterator[tuple[Any, Any]]:
        """Yield (parent, result) of it and all that it set off, level by level.

        Raises: IncompleteStream at one that has not ended, unless ``intermediate``.
        """
        waiting: deque[tuple[Any, Any]] = deque([(None, self)])
        seen = {self.id}
        while waiting:
            parent, node = waiting.popleft()
            yield parent, node
            if node.ready():
                fresh = [child for child in node.children or () if child.id not in seen]
                seen.update(child.id for child in fresh)
                waiting.extend((node, child) for child in fresh)
            elif not intermediate:
                raise IncompleteStream(node.id)

    def collect(self, intermediate: bool = False, **options: Any) -> Iterator[tuple[Any, Any]]:
        """Yield (result, value) of it and all that it set off."""
        for _, result in self.iterdeps(intermediate=intermediate):
            yield result, result.get(**options)

    def get_leaf(self) -> Any:
        """Return the value of the last one that it set off."""
        value = None
        for _, result in self.iterdeps():
            value = result.get()
        return value

    @property
    def graph(self) -> Graph:
        """All that it set off, as far as it has run, as a graph."""
        return self.build_graph(intermediate=True)

    def build_graph(self, intermediate: bool = False, formatter: Callable[[Any], str] | None = None) -> Graph:
        graph = Graph(formatter)
        for parent, node in self.iterdeps(intermediate=intermediate):
            graph.add_arc(node)
            if parent is not None:
                graph.add_edge(parent, node)
        return graph


class Graph:
    """Results and what they set off. ``to_dot`` writes it for Graphviz."""

    def __init__(self, formatter: Callable[[Any], str] | None = None) -> None:
        self.adjacent: dict[Any, list[Any]] = {}
        self._label = formatter or (lambda result: str(result.id))

    def add_arc(self, node: Any) -> None:
        self.adjacent.setdefault(node, [])

    def add_edge(self, one: Any, other: Any) -> None:
        self.add_arc(other)
        self.adjacent[one].append(other)

    def edges(self) -> list[tuple[Any, Any]]:
        return [(one, other) for one, others in self.adjacent.items() for other in others]

    def items(self) -> list[tuple[Any, list[Any]]]:
        return list(self.adjacent.items())

    def topsort(self) -> list[Any]:
        """Return the results, each before what it set off."""
        from graphlib import TopologicalSorter

        order = TopologicalSorter({one: [] for one in self.adjacent})
        for one, other in self.edges():
            order.add(other, one)
        return list(order.static_order())

    def to_dot(self, file: TextIO) -> None:
        file.write("digraph workflow {\n")
        for node in self.adjacent:
            file.write(f'  "{self._label(node)}";\n')
        for one, other in self.edges():
            file.write(f'  "{self._label(one)}" -> "{self._label(other)}";\n')
        file.write("}\n")

    def __iter__(self) -> Iterator[Any]:
        return iter(self.adjacent)

    def __len__(self) -> int:
        return len(self.adjacent)

    def __repr__(self) -> str:
        return "\n".join(
            f"{self._label(one)} -> {', '.join(map(self._label, others)) or '-'}" for one, others in self.items()
        )

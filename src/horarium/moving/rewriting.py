"""Which imports of a file become which (``plan``), and the libcst transformer that carries it out.

An import that binds names (``from celery import shared_task``) is divided by where its names live here. One that binds
the package (``import celery``) is only rewritten if all that the file reaches through it has a home.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

import libcst as cst
from libcst.helpers import get_full_name_for_node
from libcst.metadata import (
    ImportAssignment,
    MetadataWrapper,
    ParentNodeProvider,
    PositionProvider,
    Scope,
    ScopeProvider,
)

from horarium.dropin_names import MODULES, home_of, is_theirs, why_without
from horarium.moving.report import Found


class Plan:
    """What becomes of the nodes of one file, and what to say about it."""

    def __init__(self) -> None:
        self.found: list[Found] = []
        self.froms: dict[cst.ImportFrom, list[tuple[str, list[cst.ImportAlias]]]] = {}  # by module, in order
        self.aliases: dict[cst.ImportAlias, list[cst.ImportAlias]] = {}
        self.expressions: dict[cst.BaseExpression, str] = {}

    @property
    def changes_something(self) -> bool:
        return bool(self.froms or self.aliases)


def plan(module: cst.Module, content: bytes, path: str) -> Plan:
    """Decide what becomes of each import of Celery's family in a file."""
    return _Planner(module, content, path).plan()


class Rewriting(cst.CSTTransformer):
    """Carries out a plan."""

    def __init__(self, planned: Plan) -> None:
        super().__init__()
        self.planned = planned

    def on_visit(self, node: cst.CSTNode) -> bool:
        return super().on_visit(node) and (bool(self.planned.expressions) or not isinstance(node, cst.BaseExpression))

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> cst.Import:
        if not any(alias in self.planned.aliases for alias in original_node.names):
            return updated_node
        names: list[cst.ImportAlias] = []
        for alias in original_node.names:
            for new in self.planned.aliases.get(alias, [alias]):
                if all(_text(new) != _text(other) for other in names):
                    names.append(new.with_changes(comma=cst.MaybeSentinel.DEFAULT))
        return updated_node.with_changes(names=names)

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        if not any(one in self.planned.froms for one in original_node.body):
            return updated_node
        body: list[cst.BaseSmallStatement] = []
        for original, updated in zip(original_node.body, updated_node.body, strict=True):
            parts = self.planned.froms.get(original) if isinstance(original, cst.ImportFrom) else None
            body += _divided(original, parts) if parts and isinstance(original, cst.ImportFrom) else [updated]
        if len(original_node.body) > 1:  # `import a; from celery import b`: it stays one line
            return updated_node.with_changes(body=body)
        first, *rest = body
        if not rest:
            return updated_node.with_changes(body=[first])
        lines = [updated_node.with_changes(body=[first], trailing_whitespace=cst.TrailingWhitespace())]
        lines += [cst.SimpleStatementLine(body=[one]) for one in rest[:-1]]
        lines.append(updated_node.with_changes(body=[rest[-1]], leading_lines=()))
        return cst.FlattenSentinel(lines)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        return self._moved(original_node, updated_node)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        return self._moved(original_node, updated_node)

    def _moved(self, original: cst.BaseExpression, updated: cst.BaseExpression) -> cst.BaseExpression:
        new = self.planned.expressions.get(original)
        return updated if new is None else cst.parse_expression(new)


class _Planner:
    def __init__(self, module: cst.Module, content: bytes, path: str) -> None:
        self.module = module
        self.content = content
        self.path = path
        self.lines: dict[cst.CSTNode, int] = {}
        self.parents: Mapping[cst.CSTNode, cst.CSTNode] = {}
        self.scopes: set[Scope] = set()
        self.planned = Plan()

    def plan(self) -> Plan:
        finder = _Imports()
        self.module.visit(finder)
        self.lines = _lines(self.content, finder.all)
        for one in finder.all:
            if isinstance(one, cst.ImportFrom):
                self._plan_from(one)
        imports = [one for one in finder.all if isinstance(one, cst.Import)]
        if any(_binds_package(alias) for one in imports for alias in one.names):
            self._resolve()
        needed = self._plan_uses()
        for statement in imports:
            self._plan_import(statement, needed)
        self.planned.found.sort(key=lambda found: found.line)
        return self.planned

    def _resolve(self) -> None:
        """Find out what each name stands for. It takes a hundred times as long as all the rest: only if it must be."""
        wrapper = MetadataWrapper(self.module, unsafe_skip_copy=True)
        self.parents = wrapper.resolve(ParentNodeProvider)
        self.scopes = {scope for scope in wrapper.resolve(ScopeProvider).values() if scope is not None}
        positions = wrapper.resolve(PositionProvider)
        self.lines |= {name: positions[name].start.line for name in self._roots()}

    def _plan_from(self, node: cst.ImportFrom) -> None:
        """``from celery... import names``: each name goes where it lives; what has no home stays where it is."""
        module = get_full_name_for_node(node.module) if node.module else None
        if node.relative or module is None or not is_theirs(module):
            return
        if isinstance(node.names, cst.ImportStar):
            home = MODULES.get(module)
            if home is None or home.names is not None:
                self._by_hand(node, f"from {module} import *", why_without(module))
                return
            self.planned.froms[node] = [(home.module, [])]
            self._rewritten(node, f"from {module} import *", [f"from {home.module} import *"])
            return
        parts: dict[str, list[cst.ImportAlias]] = {}
        for alias in node.names:
            target, new = _moved_alias(module, alias)
            if target is None:
                self._by_hand(alias, f"{module}.{alias.evaluated_name}", _why(module, alias.evaluated_name))
            parts.setdefault(target or module, []).append(new)
        if parts.keys() != {module}:
            self.planned.froms[node] = list(parts.items())
            moved = [f"from {to} import {_list(names)}" for to, names in parts.items() if to != module]
            self._rewritten(node, f"from {module} import {_list(node.names)}", moved)

    def _plan_uses(self) -> set[str] | None:
        """Plan what is reached through ``import celery``; return the modules needed for it, None if one has no home."""
        needed, homeless, expressions = set(), False, {}
        for name in self._roots():
            chain = self._chain(name)
            home = _home_of_chain([text for text, _ in chain])
            if home is None:
                homeless = True
                whole = chain[-1][0]
                self._by_hand(name, whole, _why(whole.rpartition(".")[0] or whole, whole.rpartition(".")[2]))
                continue
            depth, target = home
            expressions[chain[depth][1]] = target
            needed.add(target)
        if homeless:
            return None
        self.planned.expressions = expressions
        return needed

    def _plan_import(self, node: cst.Import, needed: set[str] | None) -> None:
        for alias in node.names:
            module = alias.evaluated_name
            if not is_theirs(module):
                continue
            home = MODULES.get(module)
            if home is None:
                self._by_hand(alias, f"import {module}", why_without(module))
            elif alias.asname is not None:
                self.planned.aliases[alias] = [alias.with_changes(name=_dotted(home.module))]
            elif needed is not None:
                wanted = [home.module, *sorted(needed - {home.module})]
                needed.clear()  # the first import of the file brings them all
                self.planned.aliases[alias] = [cst.ImportAlias(name=_dotted(one)) for one in wanted]
            if alias in self.planned.aliases:
                self._rewritten(alias, f"import {_text(alias)}", [f"import {_list(self.planned.aliases[alias])}"])

    def _roots(self) -> Iterator[cst.Name]:
        """Yield each name that stands for a package which ``import celery`` or the like has bound."""
        for scope in self.scopes:
            for assignment in scope.assignments:
                if not isinstance(assignment, ImportAssignment) or not isinstance(assignment.node, cst.Import):
                    continue
                if any(map(_binds_package, assignment.node.names)):
                    for access in assignment.references:
                        node = access.node
                        while isinstance(node, cst.Attribute):
                            node = cst.ensure_type(node, cst.Attribute).value  # type: ignore[assignment]
                        if isinstance(node, cst.Name) and is_theirs(node.value):
                            yield node

    def _chain(self, name: cst.Name) -> list[tuple[str, cst.BaseExpression]]:
        """Return what is written from a name on, ``a``, ``a.b``, ``a.b.c``, as text and node."""
        chain: list[tuple[str, cst.BaseExpression]] = [(name.value, name)]
        parent = self.parents.get(name)
        while isinstance(parent, cst.Attribute) and parent.value is chain[-1][1]:
            chain.append((f"{chain[-1][0]}.{parent.attr.value}", parent))
            parent = self.parents.get(parent)
        return chain

    def _by_hand(self, node: cst.CSTNode, what: str, why: str) -> None:
        found = Found(self.path, self.lines[node], "import", what, "by hand", why)
        if found not in self.planned.found:
            self.planned.found.append(found)

    def _rewritten(self, node: cst.CSTNode, what: str, new: Sequence[str]) -> None:
        self.planned.found.append(Found(self.path, self.lines[node], "import", what, "rewritten", "; ".join(new)))


class _Imports(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.all: list[cst.Import | cst.ImportFrom] = []  # in the order of the file

    def on_visit(self, node: cst.CSTNode) -> bool:
        return super().on_visit(node) and not isinstance(node, cst.BaseExpression)  # no import is in there

    def visit_Import(self, node: cst.Import) -> None:
        self.all.append(node)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        self.all.append(node)


def _lines(content: bytes, imports: list[cst.Import | cst.ImportFrom]) -> dict[cst.CSTNode, int]:
    """Return the line of each import and of each of its names, as ast knows them at once and libcst does not."""
    twins = [node for node in ast.walk(ast.parse(content)) if isinstance(node, ast.Import | ast.ImportFrom)]
    twins.sort(key=lambda node: (node.lineno, node.col_offset))
    lines: dict[cst.CSTNode, int] = {}
    for node, twin in zip(imports, twins, strict=True):
        lines[node] = twin.lineno
        if not isinstance(node.names, cst.ImportStar):
            lines |= {alias: other.lineno for alias, other in zip(node.names, twin.names, strict=True)}
    return lines


def _binds_package(alias: cst.ImportAlias) -> bool:
    """Is this ``import celery`` or ``import celery.states``, which bind the name of the package?"""
    return alias.asname is None and is_theirs(alias.evaluated_name)


def _moved_alias(module: str, alias: cst.ImportAlias) -> tuple[str | None, cst.ImportAlias]:
    """Return where an imported name lives here, and how it is imported from there; None if it has no home."""
    name = alias.evaluated_name
    submodule = home_of(f"{module}.{name}")
    if submodule is None or home_of(module, name):
        return home_of(module, name), alias
    parent, _, last = submodule.rpartition(".")
    if not parent:
        return None, alias
    if last == name:
        return parent, alias
    asname = alias.asname or cst.AsName(name=cst.Name(name))
    return parent, alias.with_changes(name=cst.Name(last), asname=asname)


def _home_of_chain(chain: Sequence[str]) -> tuple[int, str] | None:
    """Return which part of a chain is the module, and that module here; None if what follows has no home."""
    for depth in reversed(range(len(chain))):
        if chain[depth] in MODULES:
            following = chain[depth + 1].rpartition(".")[2] if depth + 1 < len(chain) else ""
            target = home_of(chain[depth], following) if following else None
            return None if target is None else (depth, target)
    return None


def _divided(node: cst.ImportFrom, parts: list[tuple[str, list[cst.ImportAlias]]]) -> list[cst.ImportFrom]:
    """Return one import for each module; the comments between parentheses stay with their names."""
    if isinstance(node.names, cst.ImportStar):
        return [node.with_changes(module=_dotted(parts[0][0]))]
    if len(parts) == 1:
        return [node.with_changes(module=_dotted(parts[0][0]), names=parts[0][1])]
    last = _text(node.names[-1])
    divided = []
    for module, names in parts:
        has_last = _text(names[-1]) == last
        rpar = node.rpar
        if node.lpar is None:
            names = [*names[:-1], names[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)]
        elif rpar is not None and not has_last:
            rpar = cst.RightParen()
        divided.append(node.with_changes(module=_dotted(module), names=names, rpar=rpar))
    return divided


def _dotted(name: str) -> cst.Attribute | cst.Name:
    expression = cst.parse_expression(name)
    assert isinstance(expression, cst.Attribute | cst.Name), name
    return expression


def _why(module: str, name: str) -> str:
    """Return what to do about a name without a home: what is said of it, else of its module."""
    return why_without(f"{module}.{name}")


def _list(names: Iterable[cst.ImportAlias]) -> str:
    return ", ".join(map(_text, names))


def _text(alias: cst.ImportAlias) -> str:
    return alias.evaluated_name + (f" as {alias.evaluated_alias}" if alias.asname else "")

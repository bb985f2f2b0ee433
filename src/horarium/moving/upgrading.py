"""Rename the settings of Celery 3 in a file to today's names; the rest of the file stays as it is, byte for byte."""

from __future__ import annotations

import libcst as cst
from libcst.helpers import get_full_name_for_node

from horarium.moving.folder import Unreadable
from horarium.moving.keys import KNOWN, key_of, looks_like_a_setting


def upgrade(content: bytes, *, namespaced: bool) -> tuple[bytes, dict[str, str]]:
    """Return the file with today's names, and which name became which, in the order of the file. Idempotent.

    ``namespaced``: as Django's settings have them, ``CELERY_TASK_ACKS_LATE`` instead of ``task_acks_late``. Names of
    variables, keywords, keys of dicts and ``conf.NAME`` are renamed; other texts, such as those of ``os.environ``, are
    not. Raises: Unreadable when the file is no Python, or could not be written back as it was.
    """
    try:
        module = cst.parse_module(content)
        same = module.bytes
    except (cst.ParserSyntaxError, SyntaxError, UnicodeError, LookupError, RecursionError) as error:
        raise Unreadable(f"it is no Python that can be read ({str(error).splitlines()[-1]})") from error
    if same != content:
        raise Unreadable("it could not be written back as it is, most likely for its line ends")
    renaming = _Renaming(namespaced=namespaced)
    return module.visit(renaming).bytes, renaming.renamed


class _Renaming(cst.CSTTransformer):
    def __init__(self, *, namespaced: bool) -> None:
        super().__init__()
        self.namespaced = namespaced
        self.renamed: dict[str, str] = {}
        self._others: set[cst.Name] = set()  # attributes of something that is no conf

    def visit_Attribute(self, node: cst.Attribute) -> None:
        if (get_full_name_for_node(node.value) or "").rpartition(".")[2] != "conf":
            self._others.add(node.attr)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        if original_node in self._others:
            return updated_node
        return updated_node.with_changes(value=self._new(original_node.value))

    def leave_DictElement(self, original_node: cst.DictElement, updated_node: cst.DictElement) -> cst.DictElement:
        key = updated_node.key
        if not isinstance(key, cst.SimpleString):
            return updated_node
        name = key.evaluated_value
        if not isinstance(name, str) or (new := self._new(name)) == name:
            return updated_node
        return updated_node.with_changes(key=key.with_changes(value=f"{key.prefix}{key.quote}{new}{key.quote}"))

    def _new(self, name: str) -> str:
        if not looks_like_a_setting(name) or (key := key_of(name)) not in KNOWN:
            return name
        new = f"CELERY_{key.upper()}" if self.namespaced else key
        if new != name:
            self.renamed[name] = new
        return new

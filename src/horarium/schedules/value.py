"""What all specs are: values that do not change, so that equal ones can share their answers."""

from __future__ import annotations

from typing import NoReturn


class Value:
    """Refuse assignment. A constructor sets attributes with ``_keep``, and with ``_equal_by`` what makes two equal."""

    __slots__ = ("_hash", "_key")

    _key: tuple[object, ...]
    _hash: int  # kept: the answers about a spec are found by it

    def _keep(self, **attributes: object) -> None:
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def _equal_by(self, *key: object) -> None:
        self._keep(_key=key, _hash=hash((type(self).__name__, key)))

    def __eq__(self, other: object) -> bool:
        return self is other or (self._key == other._key if type(other) is type(self) else NotImplemented)

    def __hash__(self) -> int:
        return self._hash

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"expected no change of {self!r}, got {name} = {value!r}; make a new one instead")

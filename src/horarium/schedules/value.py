"""What all specs are: values that do not change, so that equal ones can share their answers."""

from __future__ import annotations

from typing import NoReturn


class Value:
    """Refuse assignment; a constructor sets its attributes with ``_keep``."""

    __slots__ = ()

    def _keep(self, **attributes: object) -> None:
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"expected no change of {self!r}, got {name} = {value!r}; make a new one instead")

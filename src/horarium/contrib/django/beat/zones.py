"""A column of time zones that can be read whatever raw SQL has written into it."""

from __future__ import annotations

from typing import Any

import timezone_field
from django.core.exceptions import ValidationError


class NoZone(str):
    """A text of the database that names no zone."""

    __slots__ = ()


class ZoneField(timezone_field.TimeZoneField):
    """A TimeZoneField, in migrations too; what names no zone is read as the text that it is. It cannot be saved."""

    def from_db_value(self, value: Any, *args: Any) -> Any:
        """Return the zone, or the text: one such row must not keep people from seeing the others."""
        try:
            return super().from_db_value(value, *args)
        except ValidationError:
            return NoZone(value)

    def to_python(self, value: Any) -> Any:
        """Return the zone of a text; what the database holds stays. Raises: ValidationError."""
        return value if isinstance(value, NoZone) else super().to_python(value)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """Return what makes a field like this one: for migrations it is the one that has always been there."""
        name, _path, args, kwargs = super().deconstruct()
        path = timezone_field.TimeZoneField.__module__ + "." + timezone_field.TimeZoneField.__qualname__
        return name, path, args, kwargs

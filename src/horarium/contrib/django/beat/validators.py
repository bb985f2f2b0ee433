"""Checks of the five fields of a crontab, as people write them into a form."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from horarium.schedules import crontab


def _check(field: str, value: str) -> None:
    try:
        crontab(**{field: value})
    except ValueError as error:
        said = str(error).removesuffix("; see crontab in the guide")  # the field's own help stands below it
        raise ValidationError(f"{said[:1].upper()}{said[1:]}.", code="invalid") from error


def minute_validator(value: str) -> None:
    """Raises: ValidationError unless it is a crontab's minute field."""
    _check("minute", value)


def hour_validator(value: str) -> None:
    """Raises: ValidationError unless it is a crontab's hour field."""
    _check("hour", value)


def day_of_week_validator(value: str) -> None:
    """Raises: ValidationError unless it is a crontab's day_of_week field."""
    _check("day_of_week", value)


def day_of_month_validator(value: str) -> None:
    """Raises: ValidationError unless it is a crontab's day_of_month field."""
    _check("day_of_month", value)


def month_of_year_validator(value: str) -> None:
    """Raises: ValidationError unless it is a crontab's month_of_year field."""
    _check("month_of_year", value)

"""The tables of schedules, column by column those of django-celery-beat 2.9, so that its databases are ours too.

A PeriodicTask says what to send, and points to one row that says when. What people write here, a scheduler brings into
the store (see ``schedulers``); what it has fired is shown in ``last_run_at`` and ``total_run_count``. What Horarium
knows besides is in a table of its own (``extras``): nothing is added to these.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import MultipleObjectsReturned, ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from horarium import schedules
from horarium.contrib.django.beat import validators
from horarium.contrib.django.beat.querysets import PeriodicTaskQuerySet
from horarium.contrib.django.beat.zones import ZoneField
from horarium.contrib.django.columns import column_value, zoned
from horarium.errors import InvalidSchedule

DAYS = "days"
HOURS = "hours"
MINUTES = "minutes"
SECONDS = "seconds"
MICROSECONDS = "microseconds"
PERIOD_CHOICES = (
    (DAYS, _("Days")),
    (HOURS, _("Hours")),
    (MINUTES, _("Minutes")),
    (SECONDS, _("Seconds")),
    (MICROSECONDS, _("Microseconds")),
)
SINGULAR_PERIODS = (
    (DAYS, _("Day")),
    (HOURS, _("Hour")),
    (MINUTES, _("Minute")),
    (SECONDS, _("Second")),
    (MICROSECONDS, _("Microsecond")),
)
SOLAR_SCHEDULES = [
    ("dawn_astronomical", _("Astronomical dawn")),
    ("dawn_civil", _("Civil dawn")),
    ("dawn_nautical", _("Nautical dawn")),
    ("dusk_astronomical", _("Astronomical dusk")),
    ("dusk_civil", _("Civil dusk")),
    ("dusk_nautical", _("Nautical dusk")),
    ("solar_noon", _("Solar noon")),
    ("sunrise", _("Sunrise")),
    ("sunset", _("Sunset")),
]
KINDS = ("interval", "crontab", "solar", "clocked")  # the columns of which a periodic task sets one


def crontab_schedule_celery_timezone() -> str:
    """Return the zone of a crontab that names none: the setting CELERY_TIMEZONE, else UTC."""
    named = getattr(settings, "CELERY_TIMEZONE", None)
    try:
        ZoneInfo(str(named))  # remembers; to ask for the list of all zones takes 10 ms, for each crontab that is made
    except (ValueError, OSError, ZoneInfoNotFoundError):  # a path, a folder, no zone
        return "UTC"
    return str(named)


class SolarSchedule(models.Model):
    """An event of the sun at a place."""

    event = models.CharField(
        max_length=24, choices=SOLAR_SCHEDULES, verbose_name=_("Solar Event"), help_text=_("What the sun does.")
    )
    latitude = models.DecimalField(
        max_digits=9,
        decimal_places=6,
        verbose_name=_("Latitude"),
        help_text=_("Degrees north; negative ones are south."),
        validators=[MinValueValidator(-90), MaxValueValidator(90)],
    )
    longitude = models.DecimalField(
        max_digits=9,
        decimal_places=6,
        verbose_name=_("Longitude"),
        help_text=_("Degrees east; negative ones are west."),
        validators=[MinValueValidator(-180), MaxValueValidator(180)],
    )

    class Meta:
        verbose_name = _("solar event")
        verbose_name_plural = _("solar events")
        ordering = ("event", "latitude", "longitude")
        unique_together = ("event", "latitude", "longitude")

    def __str__(self) -> str:
        return f"{self.get_event_display()} ({self.latitude}, {self.longitude})"

    @property
    def schedule(self) -> schedules.solar:
        """When it is due. Raises: InvalidSchedule."""
        return schedules.solar(self.event, float(self.latitude), float(self.longitude))

    @classmethod
    def from_schedule(cls, schedule: schedules.solar) -> SolarSchedule:
        """Return the row of a schedule; one that is not there yet is made, and not saved."""
        return _row_of(cls, event=schedule.event, latitude=schedule.lat, longitude=schedule.lon)


class IntervalSchedule(models.Model):
    """A number of periods between two runs."""

    DAYS = DAYS
    HOURS = HOURS
    MINUTES = MINUTES
    SECONDS = SECONDS
    MICROSECONDS = MICROSECONDS
    PERIOD_CHOICES = PERIOD_CHOICES

    every = models.IntegerField(
        verbose_name=_("Number of Periods"),
        help_text=_("How many periods lie between two runs."),
        validators=[MinValueValidator(1)],
    )
    period = models.CharField(
        max_length=24, choices=PERIOD_CHOICES, verbose_name=_("Interval Period"), help_text=_("Days, for example.")
    )

    class Meta:
        verbose_name = _("interval")
        verbose_name_plural = _("intervals")
        ordering = ("period", "every")

    def __str__(self) -> str:
        names = dict(SINGULAR_PERIODS if self.every == 1 else PERIOD_CHOICES)
        period = str(names.get(self.period, self.period)).lower()
        return str(_("every {}").format(period if self.every == 1 else f"{self.every} {period}"))

    @property
    def schedule(self) -> schedules.every:
        """When it is due. Raises: InvalidSchedule."""
        return schedules.every(timedelta(**{self.period: self.every}))

    @classmethod
    def from_schedule(cls, schedule: schedules.every, period: str = SECONDS) -> IntervalSchedule:
        """Return the row of a schedule in a period; one that is not there yet is made, and not saved.

        What is no whole number of that period is one of microseconds.
        """
        number, rest = divmod(schedule.run_every, timedelta(**{period: 1}))
        if rest:
            number, period = schedule.run_every // timedelta(microseconds=1), MICROSECONDS
        return _row_of(cls, every=number, period=period)

    @property
    def period_singular(self) -> str:
        """The period's name for one of them."""
        return str(self.period)[:-1]


class ClockedSchedule(models.Model):
    """One moment."""

    clocked_time = models.DateTimeField(verbose_name=_("Clock Time"), help_text=_("When it runs, once."))

    class Meta:
        verbose_name = _("clocked")
        verbose_name_plural = _("clocked")
        ordering = ("clocked_time",)

    def __str__(self) -> str:
        moment = self.clocked_time
        return str(timezone.localtime(moment) if timezone.is_aware(moment) else moment)

    @property
    def schedule(self) -> schedules.clocked:
        """When it is due. A naive moment is one in Django's current zone. Raises: InvalidSchedule."""
        return schedules.clocked(zoned(self.clocked_time))

    @classmethod
    def from_schedule(cls, schedule: schedules.clocked) -> ClockedSchedule:
        """Return the row of a schedule; one that is not there yet is made, and not saved."""
        return _row_of(cls, clocked_time=column_value(schedule.instant))


class CrontabSchedule(models.Model):
    """The five fields of a crontab, in a zone."""

    minute = models.CharField(
        max_length=240,
        default="*",
        verbose_name=_("Minute(s)"),
        help_text=_('"*" for each, or a list such as "0,30".'),
        validators=[validators.minute_validator],
    )
    hour = models.CharField(
        max_length=96,
        default="*",
        verbose_name=_("Hour(s)"),
        help_text=_('"*" for each, or a list such as "8,20".'),
        validators=[validators.hour_validator],
    )
    day_of_month = models.CharField(
        max_length=124,
        default="*",
        verbose_name=_("Day(s) Of The Month"),
        help_text=_('"*" for each, or a list such as "1,15".'),
        validators=[validators.day_of_month_validator],
    )
    month_of_year = models.CharField(
        max_length=64,
        default="*",
        verbose_name=_("Month(s) Of The Year"),
        help_text=_('"*" for each, or a list of 1 to 12 such as "1,7".'),
        validators=[validators.month_of_year_validator],
    )
    day_of_week = models.CharField(
        max_length=64,
        default="*",
        verbose_name=_("Day(s) Of The Week"),
        help_text=_('"*" for each, or a list of days, Sunday being 0, such as "1-5".'),
        validators=[validators.day_of_week_validator],
    )
    timezone = ZoneField(
        default=crontab_schedule_celery_timezone,
        use_pytz=False,
        verbose_name=_("Cron Timezone"),
        help_text=_("Where the clock hangs. Unless another one is chosen: the project's CELERY_TIMEZONE, else UTC."),
    )

    class Meta:
        verbose_name = _("crontab")
        verbose_name_plural = _("crontabs")
        ordering = ("month_of_year", "day_of_month", "day_of_week", "hour", "minute", "timezone")

    def __str__(self) -> str:
        written = (self.minute, self.hour, self.day_of_month, self.month_of_year, self.day_of_week)
        return f"{' '.join(map(cronexp, written))} (m/h/dM/MY/d) {self.timezone}"

    @property
    def schedule(self) -> schedules.crontab:
        """When it is due, in ``zone``. Raises: InvalidSchedule."""
        return schedules.crontab(self.minute, self.hour, self.day_of_week, self.day_of_month, self.month_of_year)

    @property
    def human_readable(self) -> str:
        """What it means, in words, and its zone; its fields, if they cannot be read."""
        try:
            return f"{schedules.explain(self.schedule)} {self.timezone}"
        except InvalidSchedule:
            return str(self)

    @property
    def zone(self) -> str | None:
        """The zone in which it is meant; None if the setting DJANGO_CELERY_BEAT_TZ_AWARE is False: the app's own."""
        return str(self.timezone) if getattr(settings, "DJANGO_CELERY_BEAT_TZ_AWARE", True) else None

    @classmethod
    def from_schedule(cls, schedule: schedules.crontab, timezone: str | tzinfo = "UTC") -> CrontabSchedule:
        """Return the row of a schedule in a zone; one that is not there yet is made, and not saved."""
        return _row_of(cls, **schedule.fields(), timezone=getattr(schedule, "tz", None) or timezone)


class PeriodicTasks(models.Model):
    """When the tables were last changed by way of their models: one row. Kept for programs that read it."""

    ident = models.SmallIntegerField(default=1, primary_key=True, unique=True)
    last_update = models.DateTimeField()

    class Meta:
        verbose_name = _("periodic task track")
        verbose_name_plural = _("periodic task tracks")

    @classmethod
    def changed(cls, instance: PeriodicTask, **_: Any) -> None:
        """Note a change of a periodic task, unless it says that there is none (``no_changes``)."""
        if not instance.no_changes:
            cls.update_changed()

    @classmethod
    def update_changed(cls, **_: Any) -> None:
        """Note a change now."""
        now = timezone.now()
        # One statement: SQLite refuses at once ("database is locked") to write in a transaction that has read, if
        # somebody else is about to write, as it does in update_or_create.
        if not cls.objects.filter(ident=1).update(last_update=now):
            cls.objects.get_or_create(ident=1, defaults={"last_update": now})

    @classmethod
    def last_change(cls) -> datetime | None:
        """Return when the last change was, None if there was none."""
        found: datetime | None = cls.objects.filter(ident=1).values_list("last_update", flat=True).first()
        return found


class PeriodicTask(models.Model):
    """What to send, and one row that says when."""

    name = models.CharField(max_length=200, unique=True, verbose_name=_("Name"), help_text=_("One of a kind."))
    task = models.CharField(
        max_length=200, verbose_name="Task Name", help_text=_('What runs, such as "shop.tasks.import_prices".')
    )
    interval = models.ForeignKey(
        IntervalSchedule,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        verbose_name=_("Interval Schedule"),
        help_text=_("Choose one kind of schedule and leave the others empty."),
    )
    crontab = models.ForeignKey(
        CrontabSchedule,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        verbose_name=_("Crontab Schedule"),
        help_text=_("Choose one kind of schedule and leave the others empty."),
    )
    solar = models.ForeignKey(
        SolarSchedule,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        verbose_name=_("Solar Schedule"),
        help_text=_("Choose one kind of schedule and leave the others empty."),
    )
    clocked = models.ForeignKey(
        ClockedSchedule,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        verbose_name=_("Clocked Schedule"),
        help_text=_("Choose one kind of schedule and leave the others empty."),
    )
    args = models.TextField(
        blank=True,
        default="[]",
        verbose_name=_("Positional Arguments"),
        help_text=_('A JSON list, such as ["prices", 5].'),
    )
    kwargs = models.TextField(
        blank=True,
        default="{}",
        verbose_name=_("Keyword Arguments"),
        help_text=_('A JSON object, such as {"source": "prices"}.'),
    )
    queue = models.CharField(
        max_length=200,
        blank=True,
        null=True,
        default=None,
        verbose_name=_("Queue Override"),
        help_text=_("Where it waits for a worker; empty for where the task belongs."),
    )
    exchange = models.CharField(
        max_length=200,
        blank=True,
        null=True,
        default=None,
        verbose_name=_("Exchange"),
        help_text=_("Kept for projects that come from Celery; means nothing here."),
    )
    routing_key = models.CharField(
        max_length=200,
        blank=True,
        null=True,
        default=None,
        verbose_name=_("Routing Key"),
        help_text=_("Kept for projects that come from Celery; a queue's name where no queue is given."),
    )
    headers = models.TextField(
        blank=True,
        default="{}",
        null=False,
        verbose_name=_("AMQP Message Headers"),
        help_text=_("A JSON object that travels with the message."),
    )
    priority = models.PositiveIntegerField(
        default=None,
        validators=[MaxValueValidator(255)],
        blank=True,
        null=True,
        verbose_name=_("Priority"),
        help_text=_("As the project writes priorities: 0 to 9 and higher first, unless task_priority_scheme differs."),
    )
    expires = models.DateTimeField(
        blank=True,
        null=True,
        verbose_name=_("Expires Datetime"),
        help_text=_("It does not run after this moment."),
    )
    expire_seconds = models.PositiveIntegerField(
        blank=True,
        null=True,
        verbose_name=_("Expires timedelta with seconds"),
        help_text=_("A run that has not begun so long after it was due does not begin any more."),
    )
    one_off = models.BooleanField(default=False, verbose_name=_("One-off Task"), help_text=_("It runs a single time."))
    start_time = models.DateTimeField(
        blank=True,
        null=True,
        verbose_name=_("Start Datetime"),
        help_text=_("It does not run before this moment."),
    )
    enabled = models.BooleanField(
        default=True, verbose_name=_("Enabled"), help_text=_("Untick it, and it does not run until it is ticked again.")
    )
    last_run_at = models.DateTimeField(
        editable=False,
        blank=True,
        null=True,
        verbose_name=_("Last Run Datetime"),
        help_text=_("For when it was last sent to the workers."),
    )
    total_run_count = models.PositiveIntegerField(
        default=0, editable=False, verbose_name=_("Total Run Count"), help_text=_("How often it was sent.")
    )
    date_changed = models.DateTimeField(
        auto_now=True, verbose_name=_("Last Modified"), help_text=_("When this row was last changed.")
    )
    description = models.TextField(
        blank=True, verbose_name=_("Description"), help_text=_("What it is for, in your own words.")
    )

    objects = PeriodicTaskQuerySet.as_manager()
    no_changes: ClassVar[bool] = False  # set on an instance, saving it does not count as a change

    class Meta:
        verbose_name = _("periodic task")
        verbose_name_plural = _("periodic tasks")

    def __str__(self) -> str:
        return f"{self.name}: {self.scheduler or '{no schedule}'}"

    @property
    def scheduler(self) -> models.Model | None:
        """The row that says when."""
        return next((found for kind in KINDS if (found := getattr(self, kind)) is not None), None)

    @property
    def schedule(self) -> Any:  # one of ours: every, crontab, solar, clocked
        """When it is due. Raises: InvalidSchedule; AttributeError where no schedule is chosen."""
        return self.scheduler.schedule  # type: ignore[union-attr]

    @property
    def expires_(self) -> datetime | int | None:
        """When it expires, or after how many seconds."""
        return self.expires or self.expire_seconds

    def due_start_time(self, tz: tzinfo | None = None) -> datetime | None:
        """Return when it may run first."""
        return self.start_time

    def validate_unique(self, *args: Any, **kwargs: Any) -> None:
        """Raises: ValidationError, at the field, unless exactly one schedule is chosen and fits ``one_off``."""
        super().validate_unique(*args, **kwargs)
        chosen = [kind for kind in KINDS if getattr(self, f"{kind}_id") is not None]
        if not chosen:
            raise ValidationError(_("Choose a schedule: an interval, a crontab, a solar event, or a clocked moment."))
        if len(chosen) > 1:
            message = _("Choose one schedule; %(kinds)s are chosen.") % {"kinds": ", ".join(chosen)}
            raise ValidationError({kind: [message] for kind in chosen})
        if self.clocked_id is not None and not self.one_off:
            raise ValidationError({"one_off": [_("A clocked moment comes once: tick one-off.")]})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it, if it can be a schedule. Raises: ValidationError."""
        for field in ("exchange", "routing_key", "queue"):
            setattr(self, field, getattr(self, field) or None)
        if not self.enabled:
            self.last_run_at = None
        if self.expire_seconds is not None and self.expires:
            raise ValidationError({"expires": [_("Give one of expires and expire_seconds.")]})
        self.validate_unique()
        super().save(*args, **kwargs)
        PeriodicTasks.changed(self)


def cronexp(field: object) -> str:
    """Return a crontab's field as text without spaces; an empty one means each."""
    return str(field or "*").replace(" ", "") or "*"


def _row_of(model: Any, **fields: Any) -> Any:
    """Return the first row that has these values, or a new one, not saved."""
    try:
        return model.objects.get(**fields)
    except model.DoesNotExist:
        return model(**fields)
    except MultipleObjectsReturned:
        return model.objects.filter(**fields).first()

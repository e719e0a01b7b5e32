"""Days to look back on: this month, last month, or from one day to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _

MOST_DAYS = 366
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in UTC, the last one with them."""

    first: date
    last: date

    def __str__(self) -> str:
        first, last = (date_format(day, "DATE_FORMAT") for day in (self.first, self.last))
        return first if first == last else f"{first} – {last}"

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time.min, UTC)

    @property
    def until(self) -> datetime:
        """The moment after its end."""
        return datetime.combine(self.last + _DAY, time.min, UTC)

    @property
    def before(self) -> Period:
        """What it is measured against: the same days of the year or month before, else as many days."""
        end = self.first - _DAY
        if (self.first.day, self.first.month) == (1, 1) and self.last.month > 1:
            return Period(self.first.replace(year=self.first.year - 1), _year_before(self.last))
        if self.first.day > 1 or (self.first.year, self.first.month) != (self.last.year, self.last.month):
            return Period(self.first - self.days * _DAY, end)
        whole = (self.last + _DAY).day == 1
        first = end.replace(day=1)
        return Period(first, end if whole else min(end, first + (self.days - 1) * _DAY))


def _year_before(day: date) -> date:
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if leap else day.day)


def today() -> date:
    return timezone.now().astimezone(UTC).date()


def this_month() -> Period:
    """Until today."""
    return Period(today().replace(day=1), today())


def usual() -> list[tuple[str, Period]]:
    """What people look back on most, by name."""
    now = this_month()
    return [
        (_("This month"), now),
        (_("Last month"), Period((now.first - _DAY).replace(day=1), now.first - _DAY)),
        (_("Last 30 days"), Period(now.last - 29 * _DAY, now.last)),
        (_("This year"), Period(now.last.replace(month=1, day=1), now.last)),
    ]


def read(said: Mapping[str, str]) -> tuple[Period, dict[str, list[str]]]:
    """The days of ``from`` and ``to``, this month where they say nothing; and sentences on what is wrong."""
    found: dict[str, date | None] = {}
    errors: dict[str, list[str]] = {}
    for name in ("from", "to"):
        try:
            found[name] = _day(said.get(name, ""))
        except ValueError:
            errors[name] = [_("must be a day such as 2026-11-21, not before 2000.")]
    if errors:
        return this_month(), errors
    first, last = found["from"], found["to"] or max(today(), found["from"] or today())
    period = Period(first or last.replace(day=1), last)
    if period.days < 1:
        errors["to"] = [_("must not be before the first day.")]
    elif period.days > MOST_DAYS:
        errors["from"] = [_("may be at most %(most)s days before the last day.") % {"most": MOST_DAYS - 1}]
    return (this_month() if errors else period), errors


def _day(text: str) -> date | None:
    """None if nothing is said. Raises ValueError for what is no day, or none of ours."""
    if not text:
        return None
    day = parse_date(text)
    if day is None or not 2000 <= day.year < 9000:
        raise ValueError(text)
    return day

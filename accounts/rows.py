"""Rows without the price of composing their SQL, for the few statements that every submit makes.

Composing a queryset's SQL costs several times what running it does. Here it is composed once per
process, from the same querysets and models that everything else uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import AutoField, Field, Model, QuerySet
from django.db.models.expressions import DatabaseDefault

M = TypeVar("M", bound=Model)
P = TypeVar("P")


def composed(queryset: Callable[[], QuerySet[Any, Any]]) -> str:
    """The SQL of the queryset that this function makes; its values are given anew, in their order."""
    return complete(queryset)[0]


@cache
def complete(queryset: Callable[[], QuerySet[Any, Any]]) -> tuple[str, tuple[Any, ...]]:
    """The same with its values, for a queryset whose values never change."""
    sql, values = queryset().query.sql_with_params()
    return str(sql), tuple(values)


def read(sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """Every row that a statement gives."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def planned(sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """The same for a statement by keys, which the server need not plan anew for each value."""
    with cursor() as at:
        at.execute(sql, values)
        return list(at.fetchall())


def cursor() -> Any:
    """A cursor for such statements."""
    return getattr(connection, "planned", connection.cursor)()


def give_back() -> None:
    """Our connection to its pool, while something slow goes on; one in somebody's transaction is theirs."""
    if not connection.in_atomic_block:
        connection.close()


def lent(pieces: Iterator[P]) -> Iterator[P]:
    """The same pieces, with our connection in its pool while each is read, maybe slowly."""
    for piece in pieces:
        give_back()
        yield piece


def instance(model: type[M], row: Sequence[Any], names: Sequence[str] = ()) -> M:
    """A model instance from a row that begins with its columns: all of them, or those named, in their order.

    Not for columns that Django reads in a way of its own, such as JSON.
    """
    names = names or _names(model)
    return model.from_db(connection.alias, names, row[: len(names)])


def width(model: type[Model]) -> int:
    """How many columns of a row are the model's."""
    return len(_names(model))


def insertion(rows: Sequence[Model]) -> tuple[str, list[Any]]:
    """INSERT of rows of one model, and its values; what the database fills in is left to it."""
    model = type(rows[0])
    fields, into = _written(model)
    database = connections[DEFAULT_DB_ALIAS]
    values: list[Any] = []
    marks = []
    for row in rows:
        marked = []
        for field in fields:
            value = field.pre_save(row, add=True)
            if isinstance(value, DatabaseDefault):
                marked.append("DEFAULT")
            elif value is None:
                marked.append("NULL")  # psycopg only remembers how it parsed a statement of up to 50 values
            else:
                marked.append("%s")
                values.append(field.get_db_prep_save(value, database))
        marks.append(f"({', '.join(marked)})")
    return f"INSERT INTO {model._meta.db_table} ({into}) VALUES {', '.join(marks)}", values  # noqa: S608 - our names


def written(row: Model, **values: Any) -> None:
    """Note that a row is in the database now, with what was filled in there."""
    for name, value in values.items():
        setattr(row, name, value)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


@cache
def filled_in(model: type[Model]) -> list[str]:
    """The fields with a default of the database's own, to be given back by an INSERT."""
    return [field.attname for field in model._meta.concrete_fields if field.has_db_default()]


@cache
def _names(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


@cache
def _written(model: type[Model]) -> tuple[list[Field[Any, Any]], str]:
    fields = [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, AutoField) and not field.generated
    ]
    return fields, ", ".join(f'"{field.column}"' for field in fields)

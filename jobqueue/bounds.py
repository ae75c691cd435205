"""How much is taken of what stands in a database: characters of a text, rows of a list.

All bounds of both programs stand here. The database cuts (``engines/bounded.sql``), so that a text of a megabyte never
comes over the wire; whoever adds a field to ``jobqueue.rows`` gives it a bound here, or a test fails.
"""

from collections.abc import Mapping
from typing import Final

from psycopg import sql

OTHER: Final = "__other__"
"""The job type under which those are added up for which there is no room."""

NAMES: Final[Mapping[str, int]] = {"job_type": 499, "current_job_type": 499, "name": 499, "worker": 200}
"""Characters of what tells rows apart, by field. A longer one is cut to a beginning and a digest of the whole: two
names never become one, and one name becomes the same in every query."""

TEXTS: Final[Mapping[str, int]] = {
    "hostname": 255,
    "mode": 100,
    "version": 100,
    "state": 20,
    "description": 500,
    "cron": 1_024,
    "timezone": 100,
    "actor": 300,
    "request_id": 600,
    "action": 100,
    "step": 100,
    "note": 2000,
    "source": 63,
}
"""Characters of other texts, by field; a longer one ends in three dots, with which no expression or time zone can be
read."""

LISTS: Final[Mapping[str, int]] = {
    "workers": 1000,
    "schedules": 1000,
    "ticks": 1000,
    "concerned": 100,
    "steps": 50,
    "unfinished": 100,
    "tokens": 1000,
    "valid_tokens": 10_000,
    "allowed": 20,
    "minutes": 60_000,
    "cells": 2048,
    "ends": 200_000,
}
"""Rows of a list, by what it holds. ``minutes``, of our own table, is far beyond what we write between two polls."""

SHOWN: Final = 200
"""Rows of a list on a page of the control API; the page says how many more there are."""

JOB_TYPES_BESIDE: Final = 500
"""So many job types beside those with a label are read by their names; the rest are added up in the database."""

LABEL_BYTES: Final = 128
"""What the label of a job type may take on the average: some hundred series repeat it."""

LINE: Final = 500
"""Characters of an error in a line of the log, in an answer or on a page."""

_DIGEST: Final = 32
_DIGESTED: Final = 10_000
_DOTS: Final = "..."


def line(text: object) -> str:
    """The beginning of what *text* says, in one line."""
    said = " ".join(str(text)[: 4 * LINE].split())
    return said if len(said) <= LINE else said[: LINE - len(_DOTS)] + _DOTS


def literals() -> dict[str, sql.Composable]:
    """Bounds for the placeholders of a query: ``{job_type}`` cuts such a column, ``{most_workers}`` is a number."""
    numbers = {f"most_{kind}": sql.Literal(most) for kind, most in LISTS.items()}
    names = {field: cut_name(field) for field in NAMES}
    texts = {field: cut_text(field) for field in TEXTS}
    return {"other": sql.Literal(OTHER), **numbers, **names, **texts}


def cut_name(field: str) -> sql.Composed:
    """SQL that cuts what tells rows apart: a cut one is a character longer than any that isn't, so none is like it."""
    longest = NAMES[field]
    # Not md5, which a server in FIPS mode refuses. Beyond the length of any name of a person, quicker hashes will
    # do: some servers take 35 ms for the SHA-256 of a megabyte. Plain dots, for not every encoding has an ellipsis.
    return sql.SQL(
        "CASE WHEN {too_long} THEN left({column}, {kept}) || {dots} || left(encode(sha256(convert_to("
        "octet_length({column}) || ' ' || hashtextextended({column}, 0) || ' ' || hashtextextended({column}, 1)"
        " || ' ' || left({column}, {digested}), 'UTF8')), 'hex'), {digest}) ELSE {column} END"
    ).format(
        digested=sql.Literal(_DIGESTED),
        column=sql.Identifier(field),
        too_long=_too_long(field, longest),
        kept=sql.Literal(longest + 1 - len(_DOTS) - _DIGEST),
        dots=sql.Literal(_DOTS),
        digest=sql.Literal(_DIGEST),
    )


def cut_text(field: str) -> sql.Composed:
    """SQL that cuts any other text."""
    longest = TEXTS[field]
    return sql.SQL("CASE WHEN {too_long} THEN left({column}, {kept}) || {dots} ELSE {column} END").format(
        column=sql.Identifier(field),
        too_long=_too_long(field, longest),
        kept=sql.Literal(longest - len(_DOTS)),
        dots=sql.Literal(_DOTS),
    )


def _too_long(field: str, longest: int) -> sql.Composed:
    """Without a look at more than its beginning: the number of its bytes stands in its head."""
    return sql.SQL("octet_length({column}) > {longest} AND length(left({column}, {longest} + 1)) > {longest}").format(
        column=sql.Identifier(field), longest=sql.Literal(longest)
    )

"""Named queries from ``.sql`` files.

A file holds queries under ``-- name: …`` headers. Values are bound by psycopg (``%(name)s``); the only thing put
into a text is an identifier such as ``{schema}``, and it is quoted here, in one place.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from importlib import resources
from itertools import chain, count
from typing import LiteralString, cast

from psycopg import sql

_HEADER = re.compile(r"^-- name: (\w+)[ \t]*\n", re.MULTILINE)
_QUOTE = "$body$"
_PLACEHOLDER = re.compile(r"(?<!\{)\{(\w+)\}")


def load(package: str, file: str = "queries.sql", **identifiers: str | sql.Composable) -> Mapping[str, sql.Composed]:
    """Read the queries of *file* in *package* whose ``{schema}``-like placeholders are all given, by name.

    A text is quoted as an identifier; a psycopg ``Composable`` stays as it is. The quotes ``$body$`` of a function or a
    ``DO`` become others where an identifier holds them, so that no name ends a body.
    """
    values = {name: sql.Identifier(value) if isinstance(value, str) else value for name, value in identifiers.items()}
    text = resources.files(package).joinpath(file).read_text("utf-8").replace(_QUOTE, _free_quote(values.values()))
    _, *parts = _HEADER.split(text)
    # The text ships with us and takes nothing but what is quoted above.
    return {
        name: sql.SQL(cast("LiteralString", body.strip())).format(**values)
        for name, body in zip(parts[::2], parts[1::2], strict=True)
        if values.keys() >= set(_PLACEHOLDER.findall(body))
    }


def array_literal(numbers: Iterable[int]) -> str:
    """An array as one text: psycopg would look at each number, of which there may be a hundred thousand."""
    return f"{{{','.join(map(str, numbers))}}}"


def _free_quote(values: Collection[sql.Composable]) -> str:
    texts = [value.as_string() for value in values]
    tags = chain([_QUOTE], (f"$body{number}$" for number in count(1)))
    return next(tag for tag in tags if not any(tag in text for text in texts))

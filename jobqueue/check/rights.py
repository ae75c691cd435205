"""Whether a role has all rights that ``grants`` prints for it: what is printed is read, and asked of PostgreSQL."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from jobqueue.check.queue import QUERIES
from jobqueue.engine import Conn

_GRANT = re.compile(
    r"\bGRANT\s+(.+?)\s+ON\s+(SCHEMA|SEQUENCE|FUNCTION|TYPE|)\s*((?:\"(?:[^\"]|\"\")*\"|[^;\"])+?)\s+TO\s+", re.S
)
_COMMENT = re.compile(r"(\"(?:[^\"]|\"\")*\")|--[^\n]*")
"""A comment, or a quoted name before it: a name may hold a line that looks like one."""
_PRIVILEGE = re.compile(r"(\w+)(?:\s*\(([^)]*)\))?")
_OBJECT = re.compile(r"(?:\"(?:[^\"]|\"\")*\"|\([^)]*\)|[^,\"(])+")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


@dataclass(frozen=True, slots=True)
class Right:
    """One privilege on one object, or on one of its columns."""

    kind: str
    """``table``, ``schema``, ``sequence``, ``function`` or ``type``."""
    place: str
    """The object, as SQL writes it."""
    column: str | None
    privilege: str

    def __str__(self) -> str:
        column = f" ({self.column})" if self.column else ""
        return f"{self.privilege}{column} on {self.kind} {self.place}"


def printed_rights(statements: Iterable[str]) -> list[Right]:
    """The rights that statements of ``grants`` give."""
    text = uncommented(statements)
    return list(dict.fromkeys(right for match in _GRANT.finditer(text) for right in _rights(*match.groups())))


def uncommented(statements: Iterable[str]) -> str:
    """The statements as one text without comments."""
    return _COMMENT.sub(lambda found: found[1] or "", "\n".join(statements))


def _rights(privileges: str, kind: str, objects: str) -> Iterator[Right]:
    for place in _OBJECT.findall(objects):
        for privilege, columns in _PRIVILEGE.findall(privileges):
            for column in columns.split(",") if columns else [None]:
                # GRANT takes a sequence for a table; of tables there is no USAGE.
                implied = "sequence" if privilege == "USAGE" else "table"
                yield Right(kind.lower() or implied, place.strip(), _name(column), privilege)


def _name(column: str | None) -> str | None:
    """A column's own name: a quoted one loses its quotes."""
    if column is None:
        return None
    quoted = _QUOTED.fullmatch(column.strip())
    return quoted[1].replace('""', '"') if quoted else column.strip()


async def missing_rights(conn: Conn, role: str, rights: Sequence[Right]) -> list[Right]:
    """Those of the *rights* that the role lacks; what isn't there can't be granted, and is passed over."""
    values = {
        "role": role,
        "kinds": [right.kind for right in rights],
        "places": [right.place for right in rights],
        "columns": [right.column for right in rights],
        "privileges": [right.privilege for right in rights],
    }
    rows = await (await conn.execute(QUERIES["missing_rights"], values)).fetchall()
    return [rights[number - 1] for (number,) in rows]

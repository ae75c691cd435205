"""A connection string that keeps its password to itself."""

import re
from difflib import get_close_matches
from typing import Annotated

from psycopg import ProgrammingError, pq
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

_URL = ("postgresql://", "postgres://")
_OPTIONS = tuple(option.keyword.decode() for option in pq.Conninfo.get_defaults())
_PAIR = re.compile(r"\s*(?P<name>[^=\s]+)\s*=\s*(?:'(?:[^'\\]|\\.)*'|(?!')(?:[^\s\\]|\\.)*)(?=\s|$)", re.DOTALL)
_QUOTED = re.compile(r'"(.*?)"', re.DOTALL)
_CLOSE = 0.8
_MISTAKES = {  # how libpq begins, and what that means
    "missing key/value separator": 'a parameter behind the ? has no "="',
    "extra key/value separator": 'a parameter behind the ? has a second "=": write %3D for it',
    "invalid percent-encoded token": "a % without two hexadecimal digits behind it: write %25 for %",
    "forbidden value %00": "%00 can't be part of it",
    "end of string reached when looking for matching": "the address in brackets has no ] at its end",
    "IPv6 host address may not be empty": "there is no address in the brackets",
    "unexpected character": "behind the address in brackets comes neither : nor /",
}


def mistake(text: str) -> str | None:
    """What keeps libpq from reading a connection string, without a word of it; None where nothing does.

    Libpq's own message quotes the text, and any piece of that may be one of a password. Named are libpq's own options
    and the place of a character.
    """
    try:
        parts = conninfo_to_dict(text)
    except ProgrammingError as error:
        return _explained(text, str(error))
    except UnicodeError:
        return "it has bytes that are no text in UTF-8"
    # With a bare "@" or "/" in the password a URL may parse all the same, but a piece of the password becomes
    # host, port or database name: no secret to libpq any more, which repeats those in its messages.
    ports = [port for port in str(parts.get("port") or "").split(",") if port]
    misread = text.startswith(_URL) and "@" in f"{parts.get('host', '')}{parts.get('dbname', '')}"
    if misread or not all(re.fullmatch(r"\d{1,5}", port, re.ASCII) and 0 < int(port) < 65536 for port in ports):
        return "its port is no number from 1 to 65535, or there is an @ or / in its password"
    return None


def _explained(text: str, said: str) -> str:
    """What libpq *said*, with nothing of the *text*."""
    for begin, meaning in _MISTAKES.items():
        if said.startswith(begin):
            return meaning
    word = _QUOTED.search(said)
    close = get_close_matches(word[1].lower(), _OPTIONS, n=1, cutoff=_CLOSE) if word else []
    guess = f" (did you mean {close[0]}?)" if close else ""
    if said.startswith("invalid URI query parameter"):
        return f"a parameter behind the ? is unknown{guess}"
    place = f"at character {_place(text)}"
    if said.startswith("invalid connection option"):
        return f"the option that begins {place} is unknown{guess}"
    if said.startswith("unterminated quoted string"):
        return f"the option that begins {place} has a ' that isn't closed"
    if said.startswith("missing"):
        if "=" not in text or "://" in text:
            return f"it begins neither with {_URL[0]} nor with an option such as host="
        return f'the option that begins {place} has no "=": a value with spaces stands in single quotes'
    return "libpq can't read it"


def _place(text: str) -> int:
    """Where the first option begins that libpq doesn't take, counted from 1."""
    position = 0
    while (pair := _PAIR.match(text, position)) and pair["name"] in _OPTIONS:
        position = pair.end()
    return position + len(text[position:]) - len(text[position:].lstrip()) + 1


def _parsable(dsn: SecretStr) -> SecretStr:
    if (reason := mistake(dsn.get_secret_value())) is not None:
        # A template of pydantic's, with a name in braces, would take no text with braces.
        raise PydanticCustomError("conninfo", "{reason}", {"reason": reason})
    return dsn


Conninfo = Annotated[
    SecretStr,
    Field(
        min_length=1,
        description="a PostgreSQL connection string, such as postgresql://monitor@localhost/app, "
        "with %40 for @ and %2F for / in a password",
    ),
    AfterValidator(_parsable),
]
"""``get_secret_value()`` has the text; ``str`` and ``repr`` show asterisks."""

"""A panel's SQL with its variables as parameters: no value ever becomes part of the statement's text."""

import re
from collections.abc import Mapping, Sequence

Values = Mapping[str, Sequence[str]]
"""Each variable's values; one that isn't multiple has one."""

_VARIABLE = re.compile(r"\$\{(?P<braced>\w+)(?::(?P<format>\w+))?\}|\$(?P<plain>[A-Za-z_]\w*)")
_TOKEN = re.compile(rf"(?P<literal>'(?:[^']|'')*')|(?P<variable>{_VARIABLE.pattern})")


class UnboundError(Exception):
    """A variable that isn't known, or is asked for in a way that has no place in SQL."""


def bind(sql: str, values: Values) -> tuple[str, list[str]]:
    """Answer with the statement, ``%s`` where its parameters stand, and the parameters.

    A string literal with variables in it, such as ``'${source:csv}'``, is one parameter as a whole. A variable outside
    of one, such as ``IN (${source:sqlstring})``, is a parameter for each of its values. Raises ``UnboundError``.
    """
    parameters: list[str] = []
    parts: list[str] = []
    end = 0
    for token in _TOKEN.finditer(sql):
        parts.append(sql[end : token.start()].replace("%", "%%"))
        end = token.end()
        literal = token["literal"]
        if literal is None:
            found = _values(token, values, allowed=(None, "sqlstring"))
            parameters += found
            parts.append(", ".join(["%s"] * len(found)) or "NULL")
        elif _VARIABLE.search(literal):
            text = literal[1:-1].replace("''", "'")
            parameters.append(_VARIABLE.sub(lambda match: _text(match, values), text))
            parts.append("%s")
        else:
            parts.append(literal.replace("%", "%%"))
    parts.append(sql[end:].replace("%", "%%"))
    return "".join(parts), parameters


def _text(match: re.Match[str], values: Values) -> str:
    found = _values(match, values, allowed=(None, "csv", "raw"))
    if match["format"] != "csv" and len(found) > 1:
        raise UnboundError(f"{match[0]} has several values: say how they are to be joined")
    return ",".join(found)


def _values(match: re.Match[str], values: Values, allowed: Sequence[str | None]) -> Sequence[str]:
    name = match["braced"] or match["plain"]
    if name not in values:
        raise UnboundError(f"unknown variable {match[0]}")
    if match["format"] not in allowed:
        raise UnboundError(f"{match[0]}: that format has no place here")
    return values[name]

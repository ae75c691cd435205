"""One line that says what is wrong: the key, what was found, what is allowed. Never a password."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

Place = tuple[int | str, ...]
"""The way to a value: ``("sources", 1, "engine")``."""

Names = dict[Place, str]
"""What values are called that came from elsewhere than their place in the file."""

_WORD = re.compile(r"[A-Za-z_][\w-]{0,62}", re.ASCII)
_SHOWN = 200


class ConfigurationError(Exception):
    """The configuration can't be used; its text is one line for whoever starts the program."""

    def __init__(self, key: str, found: str, allowed: str) -> None:
        super().__init__(f"{key}: found {found}, allowed: {allowed}")


def called(place: Place, names: Names) -> str:
    """What people call a value: the variable it or its list came from, or its path such as ``sources[1].engine``."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{word(part)}" for part in place)
    listed = place[:-1] if place and isinstance(place[-1], int) else place
    return names.get(place) or names.get(listed) or path.removeprefix(".")


def word(key: str) -> str:
    """A key as it is when it's a plain word, else as any other value is shown."""
    return key if _WORD.fullmatch(key) else shown(key)


def shown(value: object) -> str:
    """What was found, on one line; of anything that may be a connection string only that it was there."""
    match value:
        case None:
            return "nothing"
        case int() | float():
            return str(value).lower()  # true, as YAML writes it
        case str() if "://" in value or "@" in value or "=" in value:
            return "a text that may hold a password (not shown)"
        case str():
            return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")
        case []:
            return "an empty list"
        case dict():
            return "a mapping"
        case _:
            return f"a {type(value).__name__}"


def one_of(choices: Iterable[str], found: object) -> str:
    """The choices in a row, with a guess at which was meant, whatever its capitals."""
    names = {name.lower(): name for name in choices}
    close = get_close_matches(found.lower(), names, n=1) if isinstance(found, str) else []
    return ", ".join(names.values()) + (f" (did you mean {names[close[0]]}?)" if close else "")

"""Text for terminals: what would move their cursor, turn their text round or stay unseen is written as an escape.

Names of jobs and workers, and what databases and clients say, come from people whom nobody knows.
"""

import re
import sys
from typing import TextIO
from unicodedata import category

_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\uffa0]")
"""Letters and marks that no font draws. Those that direct text or have no width are no letters, nor printable."""


def visible(text: str) -> str:
    r"""The same text on one line: a line feed is ``\n`` in it, an escape ``\x1b``, a turn of direction ``\u202e``."""
    if text.isprintable() and not _UNSEEN.search(text):
        return text
    return "".join(character if _is_seen(character) else _escaped(character) for character in text)


def visible_lines(text: str) -> str:
    """The same text with its lines, each of them visible."""
    return "\n".join(map(visible, text.split("\n")))


def say(text: str, file: TextIO | None = None) -> None:
    """Print *text*, visible, to standard output or another *file*."""
    print(visible_lines(text), file=file or sys.stdout)


def complain(text: str) -> None:
    """Print *text* to standard error as one visible line."""
    print(visible(text), file=sys.stderr)


def _is_seen(character: str) -> bool:
    return (character.isprintable() or category(character) == "Zs") and not _UNSEEN.match(character)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()

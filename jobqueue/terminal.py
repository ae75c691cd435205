"""Text for terminals and pipes: what would move a cursor, turn text round or stay unseen is written as an escape.

Names of jobs and workers, and what databases and clients say, come from people whom nobody knows.
"""

import os
import re
import select
import signal
import sys
from collections.abc import Callable
from functools import wraps
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


def ends_with_its_reader(main: Callable[[], int]) -> Callable[[], int]:
    """Make a program end without a word, as others do, where whoever reads what it prints has gone: ``… | head``.

    Its exit code is then that of a program which SIGPIPE has ended. The signal itself would end servers, too.
    """

    @wraps(main)
    def wrapped() -> int:
        try:
            try:
                return main()
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()  # where it fails at the interpreter's end, that prints a traceback
        except (BrokenPipeError, BaseExceptionGroup) as error:
            gone = [stream for stream in (sys.stdout, sys.stderr) if has_no_reader(stream)]
            if not gone or _without_broken_pipes(error) is not None:
                raise
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for stream in gone:
                os.dup2(nowhere, stream.fileno())  # for what it still holds
            return 128 + signal.SIGPIPE

    return wrapped


def has_no_reader(stream: TextIO | None) -> bool:
    """Whether a stream leads into a pipe or to a terminal that nobody reads any more."""
    if stream is None:  # it was closed before the program began
        return False
    watched = select.poll()
    watched.register(stream.fileno(), select.POLLOUT)
    return any(event & select.POLLERR for _, event in watched.poll(0))


def _without_broken_pipes(error: BaseException) -> BaseException | None:
    """What went wrong beside them; None where nothing did."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(BrokenPipeError)[1]
    return None


def _is_seen(character: str) -> bool:
    return (character.isprintable() or category(character) == "Zs") and not _UNSEEN.match(character)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()

"""Asks a program of the installation by HTTP; every fault is one sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml
from aiohttp import ClientError, ClientSession, ClientTimeout

TIMEOUT = ClientTimeout(10)
_SHOWN = 200


_USER = re.compile(r"//\S*@")


class NoAnswerError(Exception):
    """The program can't be reached, or answers otherwise than it should; the text says how, without a password."""

    def __init__(self, text: str) -> None:
        super().__init__(without_user(text))


def without_user(text: str) -> str:
    """The same without what stands before the @ of an address, which may be a password."""
    return _USER.sub("//", text)


@contextmanager
def understood(program: str, address: str) -> Iterator[None]:
    """Read an answer inside: one of another form raises ``NoAnswerError``, whatever fails in reading it."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError, yaml.YAMLError):
        raise NoAnswerError(f"{address}: not an answer of {program}") from None


async def get_text(session: ClientSession, url: str) -> tuple[int, str]:
    """Status and text of a page, without following redirects. Raises ``NoAnswerError``."""
    try:
        async with session.get(url, allow_redirects=False) as response:
            return response.status, (await response.text())[:1_000_000]
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        raise NoAnswerError(f"{url}: {str(error) or type(error).__name__}") from None


async def get_data(session: ClientSession, url: str) -> Any:
    """What a JSON API answers. Raises ``NoAnswerError``."""
    try:
        async with session.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise NoAnswerError(f"{url}: status {response.status} instead of 200")
            return await response.json()
    except (ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
        raise NoAnswerError(f"{url}: {str(error)[:_SHOWN] or type(error).__name__}") from None

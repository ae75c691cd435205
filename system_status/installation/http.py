"""Asks a program of the installation by HTTP; every fault is one sentence."""

from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

TIMEOUT = ClientTimeout(10)
_SHOWN = 200


class NoAnswerError(Exception):
    """The program can't be reached, or answers otherwise than it should; the text says how."""


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
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        raise NoAnswerError(f"{url}: {str(error)[:_SHOWN] or type(error).__name__}") from None

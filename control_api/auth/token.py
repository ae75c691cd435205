"""Bearer tokens, for scripts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from time import monotonic

from aiohttp import web

from control_api.actions import Action
from control_api.auth.actor import STRANGER, Actor
from control_api.problems import CannotCheck, NotSignedIn
from control_api.sources import ControlledSource
from control_api.tokens import is_token
from jobqueue import bounds, sql

_QUERIES = sql.load("control_api", "tokens.sql", **bounds.literals())
_VALID_AT_ONCE = 2
_STRANGERS_AT_ONCE = 1
_VALID_WAIT, _STRANGERS_WAIT = 5.0, 1.0
"""Seconds that a request waits for its turn to be looked up."""
_LIST_READ_EVERY = 10.0


class TokenAuthenticator:
    """Looks a token up by its hash, each time: what was revoked is refused at once.

    Text that can't be a token is refused without a look-up. Valid tokens are looked up over connections that only they
    use: the hashes of the valid ones are read every ten seconds at most, and whatever isn't among them is looked up
    one after the other over a connection beside these, unless its address has sent too many wrong ones. So, however
    many tokens strangers make up, a good one can be kept waiting by them only in the first seconds after it was made.

    A hash can't be guessed piece by piece, so how long the look-up takes tells nothing.
    """

    hint = "send a bearer token"
    challenge = 'Bearer realm="system-status"'

    def __init__(self, source: ControlledSource) -> None:
        self._source = source.beside("tokens", _VALID_AT_ONCE + _STRANGERS_AT_ONCE)
        self._looking_up_valid = asyncio.Semaphore(_VALID_AT_ONCE)
        self._looking_up_strangers = asyncio.Semaphore(_STRANGERS_AT_ONCE)
        self._reading_list_first = asyncio.Semaphore(1)
        self._valid: frozenset[bytes] | None = None
        self._list_read_at = 0.0

    async def authenticate(self, request: web.Request) -> Actor | None:
        """See ``Authenticator``. Raises ``Unavailable`` when the database can't be asked."""
        headers = request.headers.getall("Authorization", [])
        if not any(header.split(maxsplit=1)[:1] and header.split()[0].lower() == "bearer" for header in headers):
            return None
        scheme, _, token = (part.strip() for part in headers[0].strip().partition(" "))
        if len(headers) > 1 or scheme.lower() != "bearer":
            raise self._wrong("authorization-malformed")
        if not is_token(token):
            raise self._wrong("token-malformed")

        row = await self._look_up(sha256(token.encode()).digest(), request)
        if row is None:
            raise self._wrong("token-unknown")
        name, allow, revoked = row
        if revoked:
            raise self._wrong("token-revoked", f"token:{name}")
        return Actor(f"token:{name}", _actions(allow), "token", bearer=True)

    async def close(self) -> None:
        """Close the connections."""
        await self._source.pool.close()

    async def _look_up(self, digest: bytes, request: web.Request) -> tuple[str, Sequence[str], bool] | None:
        await self._source.pool.open()
        if await self._is_listed(digest):
            async with _turn(self._looking_up_valid, _VALID_WAIT):
                return await self._find(digest)
        stranger = request[STRANGER]
        stranger.may_be_checked()
        async with _turn(self._looking_up_strangers, _STRANGERS_WAIT):
            stranger.may_be_checked()  # others from the same address were looked up meanwhile
            return await self._find(digest)

    async def _is_listed(self, digest: bytes) -> bool:
        if self._valid is None:
            # Without a list every token is a stranger's, so the first requests wait for it.
            async with _turn(self._reading_list_first, _VALID_WAIT):
                if self._valid is None:
                    self._valid = await self._read_list()
        elif monotonic() - self._list_read_at >= _LIST_READ_EVERY:
            self._valid = await self._read_list()
        return digest in self._valid

    async def _read_list(self) -> frozenset[bytes]:
        self._list_read_at = monotonic()  # nobody else waits for it, nor tries again at once
        async with _turn(self._looking_up_valid, _VALID_WAIT), self._source.reading() as conn:
            rows = await (await conn.execute(_QUERIES["valid"])).fetchall()
        return frozenset(row[0] for row in rows)

    async def _find(self, digest: bytes) -> tuple[str, Sequence[str], bool] | None:
        async with self._source.reading() as conn:
            return await (await conn.execute(_QUERIES["find"], {"hash": digest})).fetchone()

    def _wrong(self, reason: str, actor: str | None = None) -> NotSignedIn:
        return NotSignedIn(
            "this token is not valid",
            reason=reason,
            actor=actor,
            headers={"WWW-Authenticate": f'{self.challenge}, error="invalid_token"'},
        )


@asynccontextmanager
async def _turn(lane: asyncio.Semaphore, seconds: float) -> AsyncIterator[None]:
    """Wait for a place, and not longer than so many *seconds*. Raises ``CannotCheck``."""
    try:
        async with asyncio.timeout(seconds):
            await lane.acquire()
    except TimeoutError:
        raise CannotCheck(
            "so many tokens are being looked up that it would take too long; try again in a moment",
            reason="too-many-look-ups",
            retry_after=1,
        ) from None
    try:
        yield
    finally:
        lane.release()


def _actions(names: Sequence[str]) -> frozenset[Action]:
    return frozenset(action for action in Action if action in names)

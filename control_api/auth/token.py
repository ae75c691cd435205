"""Bearer tokens, for scripts."""

from collections.abc import Sequence
from hashlib import sha256

from aiohttp import web

from control_api.actions import Action
from control_api.auth.actor import Actor
from control_api.problems import NotSignedIn
from control_api.sources import ControlledSource
from jobqueue import bounds, sql

_QUERIES = sql.load("control_api", "tokens.sql", **bounds.literals())


class TokenAuthenticator:
    """Looks a token up by its hash, each time: what was revoked is refused at once.

    A hash can't be guessed piece by piece, so how long the look-up takes tells nothing.
    """

    hint = "send a bearer token"
    challenge = 'Bearer realm="system-status"'

    def __init__(self, source: ControlledSource) -> None:
        self._source = source

    async def authenticate(self, request: web.Request) -> Actor | None:
        """See ``Authenticator``. Raises ``Unavailable`` when the database can't be asked."""
        headers = request.headers.getall("Authorization", [])
        if not any(header.split(maxsplit=1)[:1] and header.split()[0].lower() == "bearer" for header in headers):
            return None
        scheme, _, token = headers[0].strip().partition(" ")
        if len(headers) > 1 or scheme.lower() != "bearer" or not token.strip():
            raise self._wrong("authorization-malformed")

        row = await self._find(sha256(token.strip().encode("utf-8", "surrogateescape")).digest())
        if row is None:
            raise self._wrong("token-unknown")
        name, allow, revoked = row
        if revoked:
            raise self._wrong("token-revoked", f"token:{name}")
        return Actor(f"token:{name}", _actions(allow), "token", bearer=True)

    async def close(self) -> None:
        """Nothing to do: the connections are the source's."""

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


def _actions(names: Sequence[str]) -> frozenset[Action]:
    return frozenset(action for action in Action if action in names)

"""Whoever is signed in to Grafana, by its own word."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic
from typing import Any

import structlog
from aiohttp import ClientError, ClientSession, DummyCookieJar, web

from control_api.actions import Action
from control_api.auth.actor import STRANGER, Actor, Stranger
from control_api.problems import CannotCheck, Forbidden, NotSignedIn
from control_api.settings import ControlSettings

log = structlog.get_logger()

ANSWER_WITHIN = 3.0
"""Seconds that Grafana has for everything that is asked about one cookie."""
_KNOWN_FOR = 10.0
_REFUSED_FOR = 2.0
_REMEMBERED = 1000
_AT_ONCE = 8
"""So many cookies that Grafana has known are asked about at once, and as many that it hasn't: strangers, however many
they send, keep nobody from their work, and Grafana from little of its own."""
_LARGEST_ANSWER = 64 * 1024
_LONGEST_LOGIN = 255
_RETRY_AFTER = 5


_REFUSALS = {
    "disabled": "is disabled in Grafana",
    "not-in-team": "is not in the team of platform admins",
    "not-a-server-admin": "is no server admin of Grafana; to be the Admin of an organization isn't enough",
}


class _UnusableError(Exception):
    """What Grafana answered isn't what it answers."""


class _UnknownSessionError(Exception):
    """Grafana doesn't know the cookie."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What Grafana said about a cookie; no login for one that it doesn't know, no refusal for a platform admin."""

    until: float
    login: str | None = None
    refusal: str | None = None


class GrafanaAuthenticator:
    """Asks Grafana whose session a cookie is: a server admin's, or a member's of one team, if that is configured.

    An organization's Admin is no platform admin. About a cookie that Grafana hasn't known yet it isn't asked for an
    address that has sent too many wrong ones.
    """

    def __init__(self, settings: ControlSettings, clock: Callable[[], float] = monotonic) -> None:
        if settings.grafana_url is None:
            raise ValueError("where Grafana is has to be configured")
        self._url = settings.grafana_url
        self._cookie = settings.grafana_cookie
        self._team = settings.grafana_team
        self._org = settings.grafana_org
        self._clock = clock
        self._known: OrderedDict[bytes, _Verdict] = OrderedDict()
        self._unknown: OrderedDict[bytes, _Verdict] = OrderedDict()
        self._asking_known = asyncio.Semaphore(_AT_ONCE)
        self._asking_unknown = asyncio.Semaphore(_AT_ONCE)
        self._session: ClientSession | None = None
        self.hint = "sign in to Grafana"
        self.challenge = f'Cookie realm="Grafana", cookie-name="{self._cookie}"'

    async def authenticate(self, request: web.Request) -> Actor | None:
        """See ``Authenticator``."""
        pair = _pair(request, self._cookie)
        if pair is None:
            return None
        if not (pair.isascii() and pair.isprintable()):  # Grafana's own always are
            raise self._unknown_session()

        began, digest = self._clock(), sha256(pair.encode()).digest()
        verdict = self._known.get(digest) or self._unknown.get(digest)
        if verdict is None or began >= verdict.until:
            stranger = None if digest in self._known else request[STRANGER]
            verdict = await self._ask(pair, began, stranger)
            self._remember(digest, verdict)
        if verdict.login is None:
            raise self._unknown_session()
        name = f"grafana:{verdict.login}"
        if verdict.refusal is not None:
            raise Forbidden(f"{name} {_REFUSALS[verdict.refusal]}", reason=verdict.refusal, actor=name)
        return Actor(name, frozenset(Action), "grafana")

    async def close(self) -> None:
        """Close the connections to Grafana."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, pair: str, began: float, stranger: Stranger | None) -> _Verdict:
        asking = self._asking_unknown if stranger else self._asking_known
        try:
            async with asyncio.timeout(ANSWER_WITHIN), asking:
                if stranger:  # only now: others from the same address were asked about meanwhile
                    stranger.may_be_checked()
                user = await self._get("/api/user", pair)
                teams = await self._get("/api/user/teams", pair) if self._team is not None else None
            login, refusal = _login(user), self._refusal(user, teams)
            return _Verdict(began + (_REFUSED_FOR if refusal else _KNOWN_FOR), login, refusal)
        except _UnknownSessionError:
            return _Verdict(began + _REFUSED_FOR)
        except TimeoutError:
            raise self._cannot_check("grafana-slow", f"no answer within {ANSWER_WITHIN:g} s") from None
        except ClientError as error:
            raise self._cannot_check("grafana-down", type(error).__name__) from None
        except _UnusableError as error:
            raise self._cannot_check("grafana-unusable", str(error)) from None

    async def _get(self, path: str, pair: str) -> Any:
        if self._session is None:
            self._session = ClientSession(cookie_jar=DummyCookieJar(), trust_env=False)
        headers = {"Cookie": pair, "Accept": "application/json"}
        async with self._session.get(self._url + path, headers=headers, allow_redirects=False) as answer:
            if answer.status in (401, 403):
                raise _UnknownSessionError
            if answer.status != 200:
                raise _UnusableError(f"status {answer.status}")
            if answer.content_type != "application/json":
                raise _UnusableError("not JSON")
            body = bytearray()
            async for chunk in answer.content.iter_chunked(_LARGEST_ANSWER):
                body += chunk
                if len(body) > _LARGEST_ANSWER:
                    raise _UnusableError("too large")
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise _UnusableError("not JSON") from None

    def _refusal(self, user: Any, teams: Any) -> str | None:
        if user.get("isDisabled", False) is not False:
            return "disabled"
        if self._team is not None:
            return None if self._is_member(teams) else "not-in-team"
        return None if user.get("isGrafanaAdmin") is True else "not-a-server-admin"

    def _is_member(self, teams: Any) -> bool:
        if not isinstance(teams, list) or not all(isinstance(team, dict) for team in teams):
            raise _UnusableError("no list of teams")
        # By organization too: the Admin of any other one could make a team of that name.
        return any(team.get("name") == self._team and team.get("orgId") == self._org for team in teams)

    def _remember(self, digest: bytes, verdict: _Verdict) -> None:
        remembered, other = (self._known, self._unknown) if verdict.login else (self._unknown, self._known)
        other.pop(digest, None)
        remembered[digest] = verdict
        remembered.move_to_end(digest)
        if len(remembered) > _REMEMBERED:
            remembered.popitem(last=False)

    def _unknown_session(self) -> NotSignedIn:
        return NotSignedIn(
            "Grafana doesn't know this session, or no longer: sign in to Grafana again",
            reason="session-unknown",
            headers={"WWW-Authenticate": self.challenge},
        )

    def _cannot_check(self, reason: str, found: str) -> CannotCheck:
        log.warning("grafana.unusable", reason=reason, found=found)
        return CannotCheck(
            "Grafana, which knows who you are, doesn't answer as it should; try again in a moment",
            reason=reason,
            retry_after=_RETRY_AFTER,
        )


def _login(user: Any) -> str:
    login = user.get("login") if isinstance(user, dict) else None
    if not isinstance(login, str) or not 0 < len(login) <= _LONGEST_LOGIN or not login.isprintable():
        raise _UnusableError("no login")
    return login


def _pair(request: web.Request, name: str) -> str | None:
    """The cookie as it came, byte for byte; the first if there are two, as Grafana has it."""
    for header in request.headers.getall("Cookie", []):
        for part in header.split(";"):
            pair = part.strip()
            if pair.startswith(f"{name}=") and pair != f"{name}=":
                return pair
    return None

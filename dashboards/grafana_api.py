"""Grafana's HTTP API: one request each, and an answer is believed only when it is what Grafana would say."""

import json
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from ssl import SSLCertVerificationError
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from jobqueue.terminal import visible

TOKEN, TOKEN_FILE = "GRAFANA_TOKEN", "GRAFANA_TOKEN_FILE"  # names of variables
NOT_FOUND = 404
_TIMEOUT_SECONDS = 15.0
_LONGEST_ANSWER = 32 << 20
_LONGEST_MESSAGE = 200
_ADVICE = {
    401: "the token isn't valid here",
    403: "the token may not do this: its service account needs the role Admin",
    404: "Grafana isn't at this address: give the one that browsers show, with its path",
    503: "Grafana isn't ready, or its own database isn't: try again later",
    407: "a proxy of HTTPS_PROXY or HTTP_PROXY wants to know who asks: name this host in NO_PROXY",
}


class GrafanaError(Exception):
    """One line that says why Grafana didn't do or say something, and what to do; ``status`` is that of its answer."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class _NoRedirects(HTTPRedirectHandler):
    """Whoever follows one may post to a login page, and take its answer for a success."""

    def http_error_302(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage) -> None:
        return None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class Grafana:
    """The API of the Grafana at *address*, which may have a path, for whom *token* stands. Raises GrafanaError."""

    def __init__(self, address: str, token: str) -> None:
        self.address = _base(address)
        self._token = token
        self._opener = build_opener(_NoRedirects())

    def get(self, path: str, **expected: object) -> Any:
        """What is at ``/api/`` and the *path*, as JSON; with *expected*, a mapping that has these values."""
        return self._asked("GET", path, None, expected)

    def post(self, path: str, body: Mapping[str, object], **expected: object) -> Any:
        """What Grafana answers to *body*, likewise."""
        return self._asked("POST", path, body, expected)

    def _asked(self, method: str, path: str, body: Mapping[str, object] | None, expected: Mapping[str, object]) -> Any:
        place = f"/api/{path}"
        what = f"{self.address}: {method} {place}"
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self._token}"}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = Request(self.address + place, data, headers, method=method)  # noqa: S310 -- its scheme is checked
        try:
            try:
                with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                    kind, content = answer.headers.get_content_type(), answer.read(_LONGEST_ANSWER)
            except HTTPError as error:
                with error:
                    raise self._refusal(what, place, error) from None
        except (URLError, OSError, HTTPException, ValueError) as error:
            raise GrafanaError(f"{self.address}: can't be reached: {_reason(error)}") from None
        found = _parsed(content)
        if found is None:
            raise GrafanaError(
                f"{what}: answered with {visible(kind)}, not with Grafana's JSON: is this Grafana's own address? "
                "A proxy that makes people sign in has to let requests to /api/ with a token through"
            )
        if any(not isinstance(found, dict) or found.get(key) != value for key, value in expected.items()):
            wanted = ", ".join(f"{key} {value}" for key, value in expected.items())
            raise GrafanaError(f"{what}: answered without {wanted}, so this isn't Grafana: is the address right?")
        return found

    def _refusal(self, what: str, place: str, error: HTTPError) -> GrafanaError:
        """With the status of Grafana's own answers alone: another program's 404 doesn't say that nothing is there."""
        if location := error.headers.get("Location"):
            return GrafanaError(f"{what}: {error.code}: {_leads_to(self.address, place, location)}")
        found = _parsed(error.read(_LONGEST_ANSWER))
        if found is None and error.code not in _ADVICE:
            advice = "the answer isn't Grafana's JSON: give the address that browsers show, with its path"
            return GrafanaError(f"{what}: {error.code}: {advice}")
        message = found.get("message") if isinstance(found, dict) else None
        said = visible(message.replace(self._token, "…"))[:_LONGEST_MESSAGE] if isinstance(message, str) else ""
        parts = (what, str(error.code), said, _ADVICE.get(error.code))
        return GrafanaError(": ".join(part for part in parts if part), None if found is None else error.code)


def token(environment: Mapping[str, str]) -> str:
    """The service account's token from the environment, or from the file that it names. Raises GrafanaError."""
    if path := environment.get(TOKEN_FILE):
        try:
            found = Path(path).read_text("utf-8").strip()
        except OSError as error:
            raise GrafanaError(f"{TOKEN_FILE}: can't be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise GrafanaError(f"{TOKEN_FILE}: can't be read: not text in UTF-8") from None
    else:
        found = environment.get(TOKEN, "").strip()
    if not found:
        raise GrafanaError(f"no token: give that of a service account with role Admin in {TOKEN} or {TOKEN_FILE}")
    if not (found.isascii() and found.isprintable()) or " " in found:
        raise GrafanaError(
            f"{TOKEN_FILE if path else TOKEN}: isn't a token: it has spaces, line breaks or other letters"
        )
    return found


def _base(address: str) -> str:
    """The address without a slash at its end; what may be a password in it is in no message."""
    said = "--grafana: not a web address such as https://grafana.example.org or https://example.org/grafana"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not (address.isascii() and address.isprintable()) or set(address) & set(' "<>\\^`{|}'):
        raise GrafanaError(said)
    if "@" in parts.netloc:
        raise GrafanaError(f"--grafana: takes no user and password: give a token in {TOKEN} or {TOKEN_FILE}")
    if parts.query or parts.fragment:
        raise GrafanaError("--grafana: takes the address alone, without what follows ? or #")
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def _parsed(content: bytes) -> Any:
    """Grafana's JSON is a mapping or a list; None for everything else."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def _leads_to(address: str, place: str, location: str) -> str:
    """Where a redirect leads, without its query, and what that says of the address."""
    try:
        parts = urlsplit(urljoin(address + place, location))
        shown = visible(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
    except ValueError:
        return "leads to another address, which can't be read"
    base = shown.removesuffix(place)
    if base != shown and base != address:
        return f"leads to {shown}: give --grafana {base}"
    return f"leads to {shown}, which isn't Grafana's API: a proxy that makes people sign in has to let a token through"


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, SSLCertVerificationError):
        return f"its certificate isn't trusted ({cause.verify_message}): name your CA's file in SSL_CERT_FILE"
    if isinstance(cause, TimeoutError):
        return f"no answer within {_TIMEOUT_SECONDS:g} seconds"
    if isinstance(cause, OSError):
        return cause.strerror or type(cause).__name__
    return type(cause).__name__ if isinstance(cause, Exception) else visible(str(cause))

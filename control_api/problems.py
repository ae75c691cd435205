"""Everything the control API answers when it doesn't do what was asked, as RFC 9457 has it.

A problem is raised where it is found; ``security.rendering`` makes an answer of it. Its words are for whoever asked:
no secret, no payload, nothing of a stack.
"""

from datetime import timedelta
from http import HTTPStatus
from typing import ClassVar

PROBLEM_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 -- RFC 9457's word
    """Why a request isn't carried out; ``str`` is the detail."""

    status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR
    slug: ClassVar[str]
    title: str

    def __init__(
        self,
        detail: str,
        *,
        reason: str | None = None,
        actor: str | None = None,
        retry_after: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason = reason or self.slug
        """For log and tests, finer than the slug."""
        self.actor = actor
        """Who it was, where an authenticator knows them although it lets them do nothing."""
        self.retry_after = retry_after
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)

    @property
    def detail(self) -> str:
        """What is wrong this time, in a sentence."""
        return str(self)

    @property
    def type(self) -> str:
        """The URI that names this kind of problem."""
        return f"urn:problem-type:{self.slug}"

    def to_json(self) -> dict[str, str | int]:
        """The members of ``application/problem+json``."""
        return {"type": self.type, "title": self.title, "status": int(self.status), "detail": self.detail}


class BadInput(Problem):
    """The request can't be read."""

    status, slug, title = HTTPStatus.BAD_REQUEST, "bad-input", "The request can't be read"


class Unprocessable(BadInput):
    """The request can be read, and a value in it can't be used."""

    status, slug, title = HTTPStatus.UNPROCESSABLE_ENTITY, "unprocessable", "A value can't be used"


class NotSignedIn(Problem):
    """No credentials, or wrong ones."""

    status, slug, title = HTTPStatus.UNAUTHORIZED, "not-signed-in", "Not signed in"


class Forbidden(Problem):
    """Somebody who is known and may not."""

    status, slug, title = HTTPStatus.FORBIDDEN, "forbidden", "Not allowed"


class CrossSite(Problem):
    """A request that another site may have sent in somebody's name."""

    status, slug, title = HTTPStatus.FORBIDDEN, "cross-site", "Sent from another site"


class NotFound(Problem):
    """Nothing is there."""

    status, slug, title = HTTPStatus.NOT_FOUND, "not-found", "Not found"


class RequestIdReused(Problem):
    """The same request id for something else."""

    status, slug, title = HTTPStatus.CONFLICT, "request-id-reused", "Request id used before"

    def __init__(self, request_id: str) -> None:
        super().__init__(f"the request id {request_id!r} was used for something else; take a new one")


class AlreadyRunning(Problem):
    """One clean-up of a kind a source at a time."""

    status, slug, title = HTTPStatus.CONFLICT, "already-running", "Already running"

    def __init__(self, source: str, title: str) -> None:
        super().__init__(f"{title} is at work on source {source!r} already; its progress is in the log")


class JustOrdered(Problem):
    """The second press of a double click."""

    status, slug, title = HTTPStatus.CONFLICT, "just-ordered", "Ordered a moment ago"

    def __init__(self, source: str, title: str, within: timedelta) -> None:
        seconds = round(within.total_seconds())
        super().__init__(
            f"{title} on source {source!r} was ordered less than {seconds} seconds ago, and that is done once; "
            "press the button again to do it once more",
            retry_after=seconds,
        )


class NotPossible(Problem):
    """The engine has no way to do it, or not at present."""

    status, slug, title = HTTPStatus.CONFLICT, "not-possible", "The queue can't do that"


class BodyTooLarge(Problem):
    """More than any form of ours needs."""

    status, slug, title = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", "Body too large"


class UnsupportedBody(Problem):
    """A body that is neither a form nor JSON."""

    status, slug, title = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-body", "Neither a form nor JSON"


class TooManyRequests(Problem):
    """More than anybody means."""

    status, slug, title = HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", "Too many requests"


class ReadOnly(Problem):
    """Nothing may be changed: by configuration, or since the database is a standby."""

    status, slug, title = HTTPStatus.SERVICE_UNAVAILABLE, "read-only", "Read-only"

    def __init__(self, source: str) -> None:
        super().__init__(f"source {source!r} can only be looked at: by configuration, or its database is a standby")


class Unavailable(Problem):
    """A source's database doesn't answer, or is *lacking* a table or a right."""

    status, slug, title = HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The database can't be used"

    def __init__(self, source: str, *, lacking: bool = False) -> None:
        why = (
            "lacks a table or a right, which the log names; "
            "python -m jobqueue migrate makes our tables, python -m jobqueue grants tells the rights"
            if lacking
            else "doesn't answer at the moment"
        )
        super().__init__(f"the database of source {source!r} {why}", retry_after=5)


class TooSlow(Problem):
    """Broken off: nobody waits for an answer that long."""

    status, slug, title = HTTPStatus.SERVICE_UNAVAILABLE, "too-slow", "That took too long"

    def __init__(self) -> None:
        super().__init__(
            "there was no answer in time; what was ordered may have been done: the same request id again tells",
            retry_after=5,
        )


class CannotCheck(Problem):
    """Who asks can't be found out: Grafana is down, slow or not itself."""

    status, slug, title = HTTPStatus.SERVICE_UNAVAILABLE, "cannot-check", "Can't check who you are"


class Unexpected(Problem):
    """A mistake of ours; the log has it under the same reference."""

    slug, title = "unexpected", "Something went wrong"

    def __init__(self, reference: str) -> None:
        super().__init__(f"that was not foreseen; the log has it under {reference}")
        self.reference = reference

    def to_json(self) -> dict[str, str | int]:
        """As of any problem, and the reference."""
        return {**super().to_json(), "reference": self.reference}


class HttpProblem(Problem):
    """What the web server itself refuses, such as a method that a page doesn't have."""

    slug = "http"

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.status = HTTPStatus(status)
        self.title = self.status.phrase
        super().__init__(self.status.description or self.title, headers=headers)

    @property
    def type(self) -> str:
        """As RFC 9457 has it for a problem that its status says all about."""
        return "about:blank"

"""What a POST brings: a form or JSON, and a request id."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unicodedata import category
from urllib.parse import parse_qsl

from aiohttp import web

from control_api.audit import LARGEST_ENTRY, LONGEST_REQUEST_ID, press
from control_api.problems import BadInput, Unprocessable

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
_MOST_BYTES = 1500
"""Of a request id: an entry of an index holds no more together with the longest actor."""
_FIRST_YEAR = 2000
"""No queue is older; and what lies near the year 1 can't be told in every time zone."""


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants done; ``shown_at`` is in UTC."""

    request_id: str
    is_button: bool
    """Whether the id is the name of a button, which each press brings again."""
    job_type: str | None
    shown_at: datetime | None


async def read_order(request: web.Request) -> Order:
    """Read a request's body, which has been found to be a small form or JSON, and its ``Idempotency-Key``.

    Raises ``BadInput`` for what can't be read, ``Unprocessable`` for a value that can't be used.
    """
    fields = await _fields(request)
    button = _text(fields, "button")
    header = request.headers.get("Idempotency-Key")
    if button and (header or _text(fields, "request_id")):
        raise BadInput("button and a request id exclude each other: a button's presses get theirs here")
    if button:
        _request_id(press(button, LARGEST_ENTRY), None)
    return Order(
        request_id=button or _request_id(_text(fields, "request_id"), header),
        is_button=button is not None,
        job_type=_text(fields, "job_type"),
        shown_at=_moment(_text(fields, "shown_at")),
    )


def storable(text: str) -> bool:
    """Whether PostgreSQL can hold a text: no NUL, and no half of a surrogate pair."""
    return not any(character == "\0" or category(character) == "Cs" for character in text)


async def _fields(request: web.Request) -> Mapping[str, Any]:
    body = await request.read()
    try:
        if request.content_type == _FORM:
            return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS))
        document = json.loads(body.decode()) if body.strip() else {}
    except (ValueError, RecursionError):
        raise BadInput("the body is no form and no JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise BadInput("the body has to be a JSON object, such as {}")
    return document


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise BadInput(f"{name} has to be a text")
    return value or None


def _request_id(field: str | None, header: str | None) -> str:
    if field and header and field != header:
        raise BadInput("request_id and Idempotency-Key name two different request ids; send one of them")
    request_id = field or header
    if not request_id:
        raise BadInput(
            "a request id is missing: send the field request_id, or the header Idempotency-Key, with a text that is "
            "new for each action (a UUID, say); sent again, it does nothing twice"
        )
    if len(request_id) > LONGEST_REQUEST_ID or len(request_id.encode("utf-8", "replace")) > _MOST_BYTES:
        raise BadInput(f"a request id has at most {LONGEST_REQUEST_ID} characters, and {_MOST_BYTES} bytes")
    if any(category(character) in ("Cc", "Cs") for character in request_id):
        raise BadInput("a request id has no control characters")
    return request_id


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None and moment.year >= _FIRST_YEAR:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Unprocessable("shown_at has to be a time with its time zone, such as 2026-01-31T12:00:00+00:00")

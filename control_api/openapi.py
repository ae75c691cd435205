"""The OpenAPI 3.1 description of every route, as it is served; a test holds it against the routes."""

from collections.abc import Mapping
from importlib import metadata
from typing import Any

from control_api.actions import Action
from control_api.audit import LONGEST_REQUEST_ID
from control_api.problems import PROBLEM_TYPE
from control_api.schemas import SCHEMAS, json_content, ref
from control_api.settings import ControlSettings

Part = Mapping[str, Any]

_HTML = {"text/html": {"schema": {"type": "string"}}}
_TEXT = {"text/plain": {"schema": {"type": "string"}}}
_PROBLEMS = {
    400: "The request can't be read, or a header that decides something comes twice.",
    401: "Not signed in.",
    403: "Not a platform admin, not allowed to do this, or sent from another site.",
    404: "There is no such source, recurring job or entry.",
    408: "The body didn't come in time.",
    409: "The queue can't do that, the request id was used for something else, or the same is at work already.",
    413: "The body is too large.",
    415: "The body is neither a form nor JSON.",
    422: "A value can't be used.",
    429: "Too often in a short time.",
    503: "The database doesn't answer in time or is read-only, or who you are can't be checked.",
}
_ALWAYS = (400, 401, 403, 429, 503)
_ORDERING = (404, 408, 409, 413, 415, 422)


def document(settings: ControlSettings) -> Part:
    """Describe everything that is served, and the ways to sign in that are configured."""
    base, ways = settings.base_path, _ways_in(settings)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "System Status control API",
            "version": metadata.version("system-status"),
            "description": "Run now and the clean-ups of background-job queues, for platform admins. "
            "GET asks what would happen, POST does it, once for each request id. "
            "Pages for people and JSON for programs at the same addresses, by Accept.",
        },
        "security": [{name: []} if name in ways else {} for name in settings.auth],
        "paths": {
            "/healthz": {"get": _open("Whether the process lives", _TEXT)},
            "/readyz": {"get": _open("Whether every source can be asked", _TEXT, not_ready=True)},
            "/metrics": {
                "get": _open("Prometheus' metrics", {**_TEXT, "application/openmetrics-text": {}}),
            },
            "/platform/system-status": {"get": _redirect("Leads to the dashboard", _ALWAYS)},
            "/admin/system-status": {"get": {**_redirect("Leads to the Email Queue page", (404,)), "security": []}},
            base: {"get": _redirect("Leads to the first page", _ALWAYS)},
            f"{base}/": {"get": _shown("What can be done, is being done, was done lately", "Index")},
            f"{base}/openapi.json": {
                "get": {
                    "summary": "This document",
                    "responses": {"200": _response("OpenAPI 3.1", {"application/json": {}}), **_problems(*_ALWAYS)},
                }
            },
            f"{base}/static/style.css": {"get": _open("The stylesheet of the pages", {"text/css": {}})},
            f"{base}/static/icon.svg": {"get": _open("The icon of the pages", {"image/svg+xml": {}})},
            f"{base}/audit": {"get": {**_shown("The log, newest first", "Log", 404, 422), "parameters": _FILTERS}},
            f"{base}/audit/{{id}}": {
                "parameters": [_in_path("id", "Source and number, such as main-17.", pattern="^[^/]+-[0-9]+$")],
                "get": _shown("One action, and what has come of it so far", "Entry", 404),
            },
            f"{base}/{{source}}/schedules/{{job_type}}/run": {
                "parameters": [_SOURCE, _in_path("job_type", "A recurring job, percent-encoded once.")],
                **_asked_and_ordered(Action.RUN, "Order"),
            },
            f"{base}/{{source}}/run": {
                "parameters": [_SOURCE, _in_query("job_type", "A recurring job.")],
                **_asked_and_ordered(Action.RUN, "RunOrder"),
            },
            **{
                f"{base}/{{source}}/{action}": {
                    "parameters": [_SOURCE],
                    **_asked_and_ordered(action, "Order" if action is Action.JANITOR else "CleanUpOrder"),
                }
                for action in Action
                if action is not Action.RUN
            },
        },
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": ways,
        },
    }


def _ways_in(settings: ControlSettings) -> Part:
    """What a client has to send; whoever sits at the machine sends nothing."""
    known: Part = {
        "grafana": {"type": "apiKey", "in": "cookie", "name": settings.grafana_cookie},
        "token": {"type": "http", "scheme": "bearer"},
    }
    return {name: known[name] for name in settings.auth if name in known}


def _in_path(name: str, description: str, **schema: Any) -> Part:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1, **schema},
    }


def _in_query(name: str, description: str, **schema: Any) -> Part:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string", **schema}}


_SOURCE = _in_path("source", "A configured source.")
_FILTERS = [
    _in_query("source", "A configured source."),
    _in_query("action", "An action.", enum=["", *Action]),
    _in_query("actor", "Who did it, such as token:ci."),
    _in_query("before", "Where an earlier page said that the log goes on."),
]
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The request id, where the body has none.",
    "schema": {"type": "string", "maxLength": LONGEST_REQUEST_ID},
}


def _response(description: str, content: Part, **more: Any) -> Part:
    return {"description": description, "content": content, **more}


def _problems(*statuses: int) -> Part:
    content = {PROBLEM_TYPE: {"schema": ref("Problem")}, **_HTML}
    return {str(status): _response(_PROBLEMS[status], content) for status in sorted(statuses)}


def _open(summary: str, content: Part, *, not_ready: bool = False) -> Part:
    responses = {"200": _response(summary, content)}
    if not_ready:
        responses["503"] = _response("Some source can't.", _TEXT)
    return {"summary": summary, "security": [], "responses": responses}


def _redirect(summary: str, problems: tuple[int, ...]) -> Part:
    return {
        "summary": summary,
        "responses": {"302": {"description": summary, "headers": {"Location": _LOCATION}}, **_problems(*problems)},
    }


_LOCATION = {"required": True, "schema": {"type": "string", "format": "uri-reference"}}


def _shown(summary: str, schema: str, *problems: int) -> Part:
    return {
        "summary": summary,
        "responses": {
            "200": _response(summary, {**json_content(schema), **_HTML}),
            **_problems(*_ALWAYS, *problems),
        },
    }


def _asked_and_ordered(action: Action, order: str) -> Part:
    problems = (404, 422) if action is Action.RUN else (404,)
    body = {content_type: {"schema": ref(order)} for content_type in ("application/json", _FORM)}
    return {
        "get": _shown(f"What {action.title} would do now", "Asked", *problems),
        "post": {
            "summary": action.title,
            "description": action.description,
            "parameters": [_IDEMPOTENCY_KEY],
            "requestBody": {"content": body},
            "responses": {
                "200": _response("What came of it", json_content("Entry"), headers={"Location": _LOCATION}),
                "202": _response(
                    "It is at work; Location tells how far", json_content("Entry"), headers={"Location": _LOCATION}
                ),
                "303": {"description": "For pages: leads to the entry", "headers": {"Location": _LOCATION}},
                **_problems(*_ALWAYS, *_ORDERING),
                "409": _response(
                    f"{_PROBLEMS[409]} Or it failed or was interrupted: then its entry says why.", _FAILED
                ),
            },
        },
    }


_FORM = "application/x-www-form-urlencoded"
_FAILED = {**json_content("Entry"), PROBLEM_TYPE: {"schema": ref("Problem")}, **_HTML}

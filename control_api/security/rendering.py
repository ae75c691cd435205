"""Makes an answer of every problem, foreseen or not."""

import secrets
from collections.abc import Callable
from html import escape

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from control_api.accept import wants_html
from control_api.problems import PROBLEM_TYPE, BodyTooLarge, HttpProblem, NotFound, Problem, Unexpected
from control_api.security.headers import BY_ITSELF
from control_api.security.refusals import Refusals
from jobqueue.logs import places

log = structlog.get_logger()

ProblemPage = Callable[[web.Request, Problem], str]
"""Draws the page about a problem, for people."""

REFERENCE = web.RequestKey("reference", str)
"""By which the log knows a request."""

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<h1>{title}</h1>
<p>{detail}</p></html>
"""


@web.middleware
async def referenced(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each request a reference, which stands in every line that is logged about it."""
    request[REFERENCE] = reference = secrets.token_hex(8)
    with structlog.contextvars.bound_contextvars(reference=reference):
        return await handler(request)


def rendered(refusals: Refusals, page: ProblemPage) -> Middleware:
    """Answer problems as a page or as ``application/problem+json``, by ``Accept``."""

    @web.middleware
    async def render(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as raised:
            problem = raised
        except web.HTTPException as answer:
            if answer.status < 400:
                raise
            problem = _of_the_server(answer)
        except Exception as error:  # noqa: BLE001 -- whoever asked gets an answer, the log gets the rest
            _log(error)
            problem = Unexpected(request[REFERENCE])
        refusals.note(request, problem)
        return _answer(request, problem, page)

    return render


def plain_page(request: web.Request, problem: Problem) -> str:
    """A page without any style."""
    return _PAGE.format(title=escape(problem.title), detail=escape(problem.detail))


def unread(status: int) -> web.Response:
    """Answer a message that is no request: nobody knows its ``Accept``."""
    problem = HttpProblem(status)
    return web.json_response(problem.to_json(), content_type=PROBLEM_TYPE, status=status, headers=BY_ITSELF)


def _of_the_server(answer: web.HTTPException) -> Problem:
    if answer.status == 404:
        return NotFound("there is nothing at this address")
    if answer.status == 413:
        return BodyTooLarge("no form of ours is that large")
    return HttpProblem(answer.status, {"Allow": answer.headers["Allow"]} if "Allow" in answer.headers else None)


def _log(error: Exception) -> None:
    # What it is and where in the code: its message may hold a row of the queue, or what somebody sent.
    log.error("request.failed", error=type(error).__qualname__, frames=places(error))


def _answer(request: web.Request, problem: Problem, page: ProblemPage) -> web.Response:
    headers = {**problem.headers, "Vary": "Accept"}
    if wants_html(request):
        return web.Response(
            text=page(request, problem), content_type="text/html", status=int(problem.status), headers=headers
        )
    return web.json_response(problem.to_json(), content_type=PROBLEM_TYPE, status=int(problem.status), headers=headers)

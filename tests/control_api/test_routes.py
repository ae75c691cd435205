"""Everything that is served: private unless listed here, and described as it is."""

import re

import pytest
from aiohttp import hdrs, web

from control_api.openapi import document
from tests.control_api.service import HTML, JSON, application, serving, settings

PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/admin/system-status"),
    ("GET", "/control/static/style.css"),
    ("GET", "/control/static/icon.svg"),
}
NOWHERE = {"main": "postgresql://nobody@127.0.0.1:1/none"}


def routes(app: web.Application) -> set[tuple[str, str]]:
    """Methods and paths, with ``{name}`` for what varies; HEAD comes with every GET."""
    found = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None}
    assert len(found) == len(list(app.router.routes()))
    return found


def filled(path: str) -> str:
    values = {"source": "main", "job_type": "mail", "id": "main-1"}
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], path)


async def test_without_credentials_nothing_is_served_but_what_is_listed() -> None:
    async with serving(NOWHERE, auth=("token",)) as served:
        found = routes(served.app)
        open_to_all = set()
        for method, path in found:
            for accept in (JSON, HTML):
                headers = accept | {"Sec-Fetch-Site": "same-origin"}
                answer = await served.send(method, filled(path), headers, data={} if method == "POST" else None)
                if answer.status != 401:
                    open_to_all.add((method, path))

    assert {method for method, _ in found} == {hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_POST}
    assert open_to_all == PUBLIC | {("HEAD", path) for _, path in PUBLIC}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_without_credentials_nobody_learns_which_addresses_there_are(method: str) -> None:
    async with serving(NOWHERE, auth=("token",)) as served:
        for path in ("/control/main/janitor", "/control/main/nothing", "/nothing", "/control/static/nothing", "/"):
            answer = await served.send(method, path, JSON)
            assert answer.status == 401, path


async def test_each_route_is_described_and_each_description_is_served() -> None:
    described = {
        (method.upper(), path)
        for path, item in document(settings())["paths"].items()
        for method in item
        if method != "parameters"
    }

    assert described == {(method, path) for method, path in routes(application(NOWHERE)) if method != "HEAD"}


def test_what_is_public_is_described_as_such() -> None:
    public = {
        (method.upper(), path)
        for path, item in document(settings())["paths"].items()
        for method, operation in item.items()
        if method != "parameters" and operation.get("security") == []
    }

    assert public == PUBLIC

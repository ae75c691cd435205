"""A page of another site can't act, whatever it sends along."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import FormData

from control_api.settings import ControlSettings
from tests.control_api.gate import ADMIN, FROM_OUR_PAGE, ORIGIN, SCRIPT, Gate, Knows, gate

COOKIE = {"Cookie": "grafana_session=ann's"}
EVIL = "https://evil.example.com"


@pytest.fixture
async def door() -> AsyncIterator[Gate]:
    """Lets in ann, whose browser sends her cookie with whatever page asks for it."""
    async with gate(Knows(ADMIN)) as served:
        yield served


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"},
        {"Origin": ORIGIN},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    ],
)
async def test_our_own_page_may_act(door: Gate, headers: dict[str, str]) -> None:
    answer = await door.post(headers=COOKIE | headers, data={"a": "b"})

    assert answer.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": EVIL, "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://grafana.example.org"},
        {"Origin": "https://grafana.example.org:8443"},
        {"Origin": "https://grafana.example.org.evil.example.com"},
        {"Origin": "https://evil.grafana.example.org"},
        {"Origin": f"{ORIGIN}/"},
        {"Origin": f"{ORIGIN} {EVIL}"},
        {"Origin": ""},
    ],
)
async def test_a_wrong_origin_is_403(door: Gate, headers: dict[str, str]) -> None:
    answer = await door.post(headers=COOKIE | headers)

    assert answer.status == 403
    assert (await answer.json())["type"] == "urn:problem-type:cross-site"
    assert door.refusals == {("main", "janitor"): 1}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example.org", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": ""},
    ],
)
async def test_a_cross_site_form_post_is_403(door: Gate, headers: dict[str, str]) -> None:
    answer = await door.post(headers=COOKIE | headers, data={"request_id": "1"})

    assert answer.status == 403


@pytest.mark.parametrize("headers", [{}, {"Origin": "null"}, {"Referer": f"{ORIGIN}/d/x"}, {"X-Grafana-Action": "1"}])
async def test_a_post_that_does_not_say_where_it_comes_from_is_403(door: Gate, headers: dict[str, str]) -> None:
    answer = await door.post(headers=COOKIE | headers)

    assert answer.status == 403


async def test_what_host_says_proves_nothing(door: Gate) -> None:
    answer = await door.post(headers=COOKIE | {"Host": "evil.example.com", "Origin": "http://evil.example.com"})

    assert answer.status == 403


async def test_a_preflight_is_granted_to_nobody(door: Gate) -> None:
    answer = await door.send(
        "OPTIONS", "/control/main/janitor", {"Origin": EVIL, "Access-Control-Request-Method": "POST"}
    )

    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]


async def test_looking_is_open_to_links_from_elsewhere(door: Gate) -> None:
    answer = await door.get(**{"Sec-Fetch-Site": "cross-site"})

    assert answer.status == 200


async def test_a_script_with_a_token_needs_no_origin() -> None:
    async with gate(Knows(SCRIPT), settings=ControlSettings()) as served:
        plain = await served.post()
        with_cookies = await served.post(headers=COOKIE)

    assert (plain.status, with_cookies.status) == (200, 403)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/plain; a=application/json",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=utf-7",
        "application/x-www-form-urlencoded; charset=nonsense",
    ],
)
async def test_a_simple_request_content_type_is_415(door: Gate, content_type: str) -> None:
    headers = COOKIE | FROM_OUR_PAGE | {"Content-Type": content_type}

    with_body = await door.post(headers=headers, data=b'{"a": 1}')
    without_body = await door.post(headers=headers)

    assert (with_body.status, without_body.status) == (415, 415)


@pytest.mark.parametrize("content_type", ["", "nonsense", "application/octet-stream"])
async def test_a_body_that_does_not_say_what_it_is_is_415(door: Gate, content_type: str) -> None:
    headers = COOKIE | FROM_OUR_PAGE | {"Content-Type": content_type}

    assert (await door.post(headers=headers, data=b'{"a": 1}')).status == 415
    assert (await door.post(headers=headers)).status == 200


async def test_a_file_is_415(door: Gate) -> None:
    form = FormData()
    form.add_field("file", b"x", filename="x.txt")

    assert (await door.post(headers=COOKIE | FROM_OUR_PAGE, data=form)).status == 415


async def test_a_compressed_body_is_415(door: Gate) -> None:
    headers = COOKIE | FROM_OUR_PAGE | {"Content-Encoding": "deflate", "Content-Type": "application/json"}

    assert (await door.post(headers=headers, data=b"x")).status == 415


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=UTF-8"])
async def test_json_is_read(door: Gate, content_type: str) -> None:
    answer = await door.post(headers=COOKIE | FROM_OUR_PAGE | {"Content-Type": content_type}, data=b"{}")

    assert answer.status == 200

"""Whoever sits at this machine, and nobody who only seems to."""

from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from control_api.auth.loopback import LoopbackAuthenticator
from control_api.problems import Forbidden
from control_api.settings import ControlSettings
from tests.control_api.gate import Gate, gate

SETTINGS = ControlSettings(auth=("loopback",))


@pytest.fixture
async def door() -> AsyncIterator[Gate]:
    async with gate(LoopbackAuthenticator(SETTINGS), settings=SETTINGS) as served:
        yield served


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "127.0.0.1", "127.0.0.53", "[::1]"])
async def test_this_machine_by_a_name_of_its_own_is_let_in(door: Gate, name: str) -> None:
    answer = await door.get(Host=f"{name}:{door.port}")

    assert (answer.status, await answer.text()) == (200, "loopback:admin")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.org:PORT",
        "localhost.evil.example.org:PORT",
        "127.0.0.1.evil.example.org:PORT",
        "evil@localhost:PORT",
        "localhost",
        "localhost:",
        "localhost:1",
        "10.0.0.1:PORT",
        "0.0.0.0:PORT",
        "[::]:PORT",
        "2130706433:PORT",
        "",
    ],
)
async def test_a_name_that_only_leads_here_is_refused(door: Gate, host: str) -> None:
    """DNS rebinding: the page of another site reaches us by a name of its own."""
    name = host.replace("PORT", str(door.port))

    looked = await door.get(Host=name)
    acted = await door.post(headers={"Host": name, "Origin": f"http://{name}", "Sec-Fetch-Site": "same-origin"})

    assert (looked.status, acted.status) == (403, 403)


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via"]
)
async def test_what_came_through_a_proxy_is_refused(door: Gate, header: str) -> None:
    answer = await door.get(**{header: "127.0.0.1"})

    assert answer.status == 403


async def test_a_forged_forwarded_address_does_not_make_a_loopback() -> None:
    """Not even behind a proxy of ours on this machine, whose word on addresses is believed."""
    settings = ControlSettings(auth=("loopback",), trusted_proxies=(ip_network("127.0.0.0/8"),))

    async with gate(LoopbackAuthenticator(settings), settings=settings) as served:
        with capture_logs() as logs:
            answer = await served.get(**{"X-Forwarded-For": "127.0.0.1, 203.0.113.9"})

    assert answer.status == 403
    assert (logs[0]["reason"], logs[0]["client"]) == ("came-through-a-proxy", "203.0.113.9")


async def test_another_machine_is_refused() -> None:
    request = make_mocked_request("GET", "/", headers={"Host": "localhost:9811"})
    request.transport.get_extra_info = {  # type: ignore[union-attr,method-assign]
        "peername": ("203.0.113.9", 5),
        "sockname": ("127.0.0.1", 9811),
    }.get

    with pytest.raises(Forbidden) as caught:
        await LoopbackAuthenticator(SETTINGS).authenticate(request)

    assert caught.value.reason == "not-loopback"


async def test_its_own_page_may_act_and_another_port_may_not(door: Gate) -> None:
    own, other = f"http://localhost:{door.port}", "http://localhost:1"
    host = {"Host": f"localhost:{door.port}"}

    ours = await door.post(headers=host | {"Origin": own, "Sec-Fetch-Site": "same-origin"})
    without_fetch_metadata = await door.post(headers=host | {"Origin": own})
    another = await door.post(headers=host | {"Origin": other})
    same_site = await door.post(headers=host | {"Origin": other, "Sec-Fetch-Site": "same-site"})
    by_another_name = await door.post(headers=host | {"Origin": f"http://127.0.0.1:{door.port}"})

    assert (ours.status, without_fetch_metadata.status) == (200, 200)
    assert (another.status, same_site.status, by_another_name.status) == (403, 403, 403)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_it_does_not_start_where_others_can_reach_it(host: str) -> None:
    with pytest.raises(ValueError, match="loopback address only"):
        LoopbackAuthenticator(ControlSettings(auth=("loopback",), host=host))

"""Whatever answers at an address is a finding and no traceback, and no password of an address is shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from aiohttp import ClientSession

from jobqueue.check import Code, Report
from system_status.installation.alertmanager import alertmanager_report
from system_status.installation.grafana import grafana_report
from system_status.installation.programs import control_report, exporter_report
from system_status.installation.prometheus import prometheus_report

_ODD = (
    b'{"status": "success", "data": {}}',
    b'{"status": "success", "data": []}',
    b'{"status": "success"}',
    b'{"config": 1}',
    b'{"config": {"original": "a: ["}}',
    b'{"config": {"original": "route: []\\nreceivers: [1]"}}',
    b"null",
    b"no JSON",
    b"\xff",
    b"[" * 100_000,
)
_PASSWORD = "se/cr@et"


@contextmanager
def answering(content: bytes) -> Iterator[str]:
    """The address, with user and password, of whatever answers everything with *content*."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://somebody:secret@127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


async def reports(address: str) -> list[Report]:
    """What is found at the address by each of the five checks."""
    async with ClientSession() as session:
        return [
            await prometheus_report(session, address, ["main"]),
            await alertmanager_report(session, address),
            await exporter_report(session, address),
            await control_report(session, address),
            await grafana_report(address, ""),
        ]


@pytest.mark.parametrize("content", _ODD, ids=range(len(_ODD)))
async def test_an_odd_answer_is_a_finding(content: bytes) -> None:
    with answering(content) as address:
        found = await reports(address)

    assert [report.findings[0].code for report in found] == [
        Code.PROMETHEUS_UNREACHABLE,
        Code.ALERTMANAGER_UNREACHABLE,
        Code.EXPORTER_UNREACHABLE,
        Code.CONTROL_UNREACHABLE,
        Code.GRAFANA_UNREACHABLE,
    ]
    assert not any("secret" in finding.text for report in found for finding in report.findings)


@pytest.mark.parametrize("host", ["127.0.0.1:1", "127.0.0.1:99999", "[::1", "127.0.0.1:1/path"])
async def test_an_address_that_leads_nowhere_is_shown_without_its_password(host: str) -> None:
    for report in await reports(f"http://somebody:{_PASSWORD}@{host}"):
        [finding] = report.findings
        assert not any(part in finding.text for part in ("somebody", "se/", "cr@", "et@"))

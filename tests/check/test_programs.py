"""``system-status check`` against a real exporter, control API, Prometheus and Alertmanager, good and bad."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from aiohttp import ClientSession

from demo import alertmanager, prometheus
from demo.ports import get
from demo.processes import Child
from jobqueue.check import Code, Report
from system_status.installation.alertmanager import alertmanager_report
from system_status.installation.programs import control_report, exporter_report
from system_status.installation.prometheus import prometheus_report
from system_status.rules import rule_files
from tests.exporter.process import run, serving
from tests.exporter.scrape import source
from tests.prometheus.test_increase import free_port
from tests.security.roles import least_privileged
from tests.waiting import PATIENCE, until

GOOD = {
    "global": {
        "scrape_interval": "1s",
        "evaluation_interval": "1s",
        "external_labels": {"grafana_url": "http://g", "runbooks_url": "http://r"},
    },
    "rule_files": [str(file) for file in rule_files()],
}
WEBHOOK = {"name": "team", "webhook_configs": [{"url": "http://127.0.0.1:1/"}]}


@asynccontextmanager
async def a_program(
    folder: Path, name: str, program: Path | None, document: object, *options: str
) -> AsyncIterator[str]:
    """The address of one that runs with *document* as its configuration."""
    assert program is not None, f"no {name} here: make test fetches it"
    port, file = free_port(), folder / f"{name}.yml"
    file.write_text(yaml.safe_dump(document))
    command: list[str | Path] = [program, f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}", *options]
    child = Child.start(name, command, log=folder / f"{name}.log")
    try:
        await until(lambda: get(port, "/-/ready") is not None)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop()


def a_prometheus(folder: Path, configuration: Mapping[str, object]) -> AbstractAsyncContextManager[str]:
    storage = f"--storage.tsdb.path={folder / 'data'}"
    return a_program(folder, "prometheus", prometheus.find(), dict(configuration), storage)


def an_alertmanager(folder: Path, receiver: Mapping[str, object]) -> AbstractAsyncContextManager[str]:
    configuration = {"route": {"receiver": "team"}, "receivers": [dict(receiver)]}
    options = (f"--storage.path={folder / 'alertmanager'}", "--cluster.listen-address=")
    return a_program(folder, "alertmanager", alertmanager.find(), configuration, *options)


def codes(report: Report) -> list[Code]:
    return [finding.code for finding in report.findings]


async def until_good(address: str) -> None:
    """Until Prometheus has scraped, evaluated all rules once, and found its Alertmanager."""
    async with ClientSession() as session, asyncio.timeout(PATIENCE):
        while (await prometheus_report(session, address, ["main"])).findings:
            await asyncio.sleep(0.2)


async def test_a_whole_good_installation_has_nothing_to_mend(migrated: str, tmp_path: Path) -> None:
    with least_privileged(migrated, [source(migrated)]) as roles:
        async with (
            serving(DATABASE_URL=roles["exporter"]) as exporter,
            serving("control_api", DATABASE_URL=roles["control"]) as control,
            an_alertmanager(tmp_path, WEBHOOK) as alerts,
        ):
            await exporter.until("/readyz", 200)
            targets = [{"targets": [exporter.address.removeprefix("http://")]}]
            configuration = {
                **GOOD,
                "scrape_configs": [{"job_name": "system-status", "static_configs": targets}],
                "alerting": {
                    "alertmanagers": [{"static_configs": [{"targets": [alerts.removeprefix("http://")]}]}],
                },
            }
            async with a_prometheus(tmp_path, configuration) as metrics:
                await until_good(metrics)
                addresses = {
                    "--exporter": exporter.address,
                    "--control": control.address,
                    "--prometheus": metrics,
                    "--alertmanager": alerts,
                }
                options = [word for option in addresses.items() for word in option]
                for name in ("exporter", "control", "grafana"):
                    options += [f"--{name}-role", f"{name}_{migrated.rpartition('/')[2]}"]
                ended = await run("check", *options, module="system_status", DATABASE_URL=roles["exporter"])

    assert (ended.code, ended.errors) == (0, "")
    assert [line for line in ended.output.splitlines() if not line.startswith("  (")] == [
        "main: ok",
        "exporter: ok",
        "control API: ok",
        "Prometheus: ok",
        "Alertmanager: ok",
    ]


async def test_a_prometheus_that_knows_nothing_of_us_hears_all_of_it(tmp_path: Path) -> None:
    async with a_prometheus(tmp_path, {}) as address, ClientSession() as session:
        report = await prometheus_report(session, address, ["main", "eu"])

    assert codes(report) == [
        Code.NOT_SCRAPED,
        Code.NOT_SCRAPED,
        Code.RULES_MISSING,
        Code.NO_ALERTMANAGER,
        Code.LINKS_MISSING,
    ]


async def test_a_rule_that_somebody_changed_is_a_warning_with_its_name(tmp_path: Path) -> None:
    for file in rule_files():
        text = file.read_text()
        (tmp_path / file.name).write_text(text.replace("max by (source) (jobqueue_up) == 0", "jobqueue_up == 0"))
    configuration = {**GOOD, "rule_files": [str(tmp_path / file.name) for file in rule_files()]}
    async with a_prometheus(tmp_path, configuration) as address, ClientSession() as session:
        report = await prometheus_report(session, address, [])

    [differing] = [finding for finding in report.findings if finding.code is Code.RULES_DIFFER]
    assert differing.text.endswith(": JobQueueSourceUnreadable")


async def test_an_alertmanager_whose_receiver_does_nothing_is_found(tmp_path: Path) -> None:
    async with an_alertmanager(tmp_path, {"name": "team"}) as address, ClientSession() as session:
        assert codes(await alertmanager_report(session, address)) == [Code.ALERTS_GO_NOWHERE]


class _LoginPage(BaseHTTPRequestHandler):
    """What a proxy answers that wants a password first."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>Log in</html>")

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 -- http.server calls it so
        """Be silent."""


@pytest.fixture(params=["nobody", "login page"])
def strange(request: pytest.FixtureRequest) -> Iterator[str]:
    """Nobody, or a page that says 200 to everything."""
    if request.param == "nobody":
        yield "http://127.0.0.1:1"
        return
    server = HTTPServer(("127.0.0.1", 0), _LoginPage)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def test_whoever_else_answers_is_taken_for_none_of_the_programs(strange: str) -> None:
    async with ClientSession() as session:
        assert codes(await prometheus_report(session, strange, [])) == [Code.PROMETHEUS_UNREACHABLE]
        assert codes(await alertmanager_report(session, strange)) == [Code.ALERTMANAGER_UNREACHABLE]
        assert codes(await exporter_report(session, strange)) == [Code.EXPORTER_UNREACHABLE]
        assert codes(await control_report(session, strange)) == [Code.CONTROL_UNREACHABLE]


async def test_an_exporter_that_reads_nothing_is_not_ready(tmp_path: Path) -> None:
    async with serving(DATABASE_URL="postgresql://nobody@127.0.0.1:1/nowhere") as exporter, ClientSession() as session:
        report = await exporter_report(session, exporter.address)

    assert codes(report) == [Code.EXPORTER_UNREADY]
    assert "not read lately: main" in report.findings[0].text

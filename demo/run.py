"""The whole demo: a database with a past, the exporter, the platform, Prometheus; until it is told to stop."""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Event

from demo import preview, prometheus
from demo.database import prepare
from demo.ports import get, must_be_free
from demo.postgres import EmbeddedPostgres
from demo.supervisor import Supervisor
from jobqueue.config.load import VARIABLES

_PAST = "\njobqueue_last24h_runs{"


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen; without *database_url* PostgreSQL is started, too."""

    database_url: str | None
    exporter_port: int
    control_port: int
    prometheus_port: int
    preview_port: int
    workers: int
    speed: float


def run(options: Options, stop: Event) -> None:
    """Run the demo. It ends by an exception: ``Stopped``, or one that says what went wrong."""
    program = prometheus.find()
    must_be_free(options.exporter_port, "--exporter-port")
    must_be_free(options.control_port, "--control-port")
    if program is not None:
        must_be_free(options.prometheus_port, "--prometheus-port")
    shown = program is not None and preview.is_built()
    if shown:
        must_be_free(options.preview_port, "--preview-port")

    with ExitStack() as ending:
        address, must_run = _database(options, ending)
        programs = ending.enter_context(Supervisor(stop))
        environment = _environment(address, options)
        python = [sys.executable, "-m"]

        jobs = asyncio.run(prepare(address, past=True))
        _tell("queue", f"the Ascent tables, {jobs:,} jobs of the last days")
        programs.run("migrate", [*python, "jobqueue", "migrate"], environment)
        _tell("counting", "our own tables, in schema system_status")

        # First the exporter: it reads the past before the platform's janitor forgets it.
        programs.start("exporter", [*python, "exporter"], environment)
        programs.wait_until(lambda: _PAST in (get(options.exporter_port, "/metrics") or ""), "the exporter")
        _tell("exporter", "has read the past")
        platform = ["demo", "platform", "--workers", str(options.workers), "--speed", str(options.speed)]
        programs.start("platform", [*python, *platform, "--no-history"], environment)
        _tell("platform", f"two servers, {options.workers} workers")
        programs.start("control", [*python, "control_api"], environment)
        programs.wait_until(lambda: get(options.control_port, "/readyz") is not None, "the control API")
        _tell("control", "lets in whoever sits at this machine")
        if program is not None:
            ports = options.prometheus_port, options.exporter_port, options.control_port
            programs.start("prometheus", prometheus.command(program, programs.directory, *ports), environment)
            programs.wait_until(lambda: prometheus.has_scraped(options.prometheus_port), "Prometheus")
            _tell("Prometheus", "scrapes every 5 s")
        if shown:
            ports = options.preview_port, options.prometheus_port, options.control_port
            reader = address if options.database_url else preview.reader(address)
            programs.start("preview", [*python, *preview.arguments(*ports)], {**environment, "DATABASE_URL": reader})
            programs.wait_until(lambda: get(options.preview_port, "/preview/dashboards") is not None, "the preview")
            _tell("preview", "draws the dashboards")
        _tell_addresses(address, options, with_prometheus=program is not None, with_preview=shown)
        programs.watch(also=must_run)


def _database(options: Options, ending: ExitStack) -> tuple[str, Callable[[], object]]:
    """Its address, and what raises ``PostgresError`` when our own server is gone."""
    if options.database_url is not None:
        return options.database_url, lambda: None
    server = ending.enter_context(EmbeddedPostgres.start())
    _tell("PostgreSQL", "embedded, gone with the demo")
    return server.create_database("ascent"), lambda: server.pid


def _environment(address: str, options: Options) -> Mapping[str, str]:
    """Ours, but for what configures another exporter than the demo's."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    port = str(options.exporter_port)
    control = {
        "CONTROL_API_AUTH": "loopback",
        "CONTROL_API_PORT": str(options.control_port),
        "CONTROL_API_ORIGINS": preview.origins(options.preview_port),
        "CONTROL_API_JANITOR_EVERY": "0",  # the platform has a janitor of its own
    }
    return {**kept, **control, "DATABASE_URL": address, "EXPORTER_HOST": "127.0.0.1", "EXPORTER_PORT": port}


def _tell_addresses(address: str, options: Options, *, with_prometheus: bool, with_preview: bool) -> None:
    metrics = f"http://127.0.0.1:{options.exporter_port}/metrics"
    print()
    if with_preview:
        _tell("dashboards", f"http://127.0.0.1:{options.preview_port}/")
    else:
        _tell("dashboards", "not drawn: needs Prometheus, and the page that make preview builds with Node 20")
    _tell("metrics", metrics)
    _tell("control", f"http://127.0.0.1:{options.control_port}/control/")
    if with_prometheus:
        _tell("Prometheus", f"http://127.0.0.1:{options.prometheus_port}/graph?g0.expr=jobqueue_jobs&g0.tab=1")
    else:
        _tell("Prometheus", "not found: put it on the PATH to have it, too")
    if options.database_url is None:
        _tell("PostgreSQL", address)
    _tell("example", f"curl -s {metrics} | grep last24h_success_ratio")
    _tell("stop", "Ctrl-C")


def _tell(what: str, text: str) -> None:
    print(f"{what:<12}{text}", flush=True)

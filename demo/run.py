"""The whole demo: a database with a past, the exporter, the platform, Prometheus; until it is told to stop."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from demo import alertmanager, engines, last_day, last_week, preview, prometheus, running
from demo.database import prepare
from demo.ports import Ports, get, must_be_free
from demo.postgres import EmbeddedPostgres
from demo.supervisor import Supervisor
from jobqueue.config.load import VARIABLES

_PAST = "\njobqueue_last24h_runs{"
_EMPTY = "\njobqueue_last24h_window_start_timestamp_seconds{"


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen; without *database_url* PostgreSQL is started, too."""

    database_url: str | None
    ports: Ports
    workers: int
    speed: float
    alert_speed: float
    steady: bool
    engine: str | None
    """Another than Ascent."""


def run(options: Options, stop: Event) -> None:
    """Run the demo. It ends by an exception: ``Stopped``, or one that says what went wrong."""
    program = prometheus.find()
    notifier = alertmanager.find() if program is not None else None
    drawn = program is not None and preview.is_built()
    ports = options.ports
    must_be_free(ports, "exporter", "control")
    must_be_free(ports, *["prometheus"] * (program is not None), *["preview"] * drawn)
    must_be_free(ports, *["alertmanager", "webhook"] * (notifier is not None))

    with ExitStack() as ending:
        address, must_run = _database(options, ending)
        programs = ending.enter_context(Supervisor(stop))
        environment = _environment(address, options, programs.directory)
        python = [sys.executable, "-m"]
        for_platform = {**environment, "DATABASE_URL": address}

        if options.engine is None:
            ending.enter_context(running.announced(address))
            jobs = asyncio.run(prepare(address, past=True))
            _tell("queue", f"the Ascent tables, {jobs:,} jobs of the last days")
        else:
            programs.run("queue", [*python, f"demo.engines.{options.engine}", "install"], for_platform)
            _tell("queue", f"the tables of {options.engine}, still empty")
        programs.run("migrate", [*python, "jobqueue", "migrate"], environment)
        _tell("counting", "our own tables, in schema system_status")

        # First the exporter: it reads the past before the platform's janitor forgets it.
        programs.start("exporter", [*python, "exporter"], environment)
        read = _PAST if options.engine is None else _EMPTY
        programs.wait_until(lambda: read in (get(options.ports.exporter, "/metrics") or ""), "the exporter")
        _tell("exporter", "has read the past" if options.engine is None else "serves")
        if options.engine is None:
            platform = ["demo", "platform", "--workers", str(options.workers), "--speed", str(options.speed)]
            steady = ["--steady"] * options.steady
            programs.start("platform", [*python, *platform, "--no-history", *steady], for_platform)
            _tell("platform", f"two servers, {options.workers} workers")
        else:
            programs.start("platform", [*python, f"demo.engines.{options.engine}", "run"], for_platform)
            _tell("platform", f"real workers of {options.engine}")
        programs.start("control", [*python, "control_api"], environment)
        programs.wait_until(lambda: get(options.ports.control, "/readyz") is not None, "the control API")
        _tell("control", "lets in whoever sits at this machine")
        if program is not None:
            _start_prometheus(program, address, programs, environment, options)
        if notifier is not None:
            _start_alertmanager(notifier, programs, environment, options)
        if drawn:
            _start_preview(address, programs, environment, options)
        _tell_addresses(address, options, prometheus=program is not None, alerts=notifier is not None, dashboards=drawn)
        programs.watch(also=must_run)


def _start_prometheus(
    program: Path, address: str, programs: Supervisor, environment: Mapping[str, str], options: Options
) -> None:
    promtool = program.with_name("promtool")
    if promtool.exists() and options.engine is None:
        data = prometheus.data(programs.directory)
        last_week.write(address, promtool, data, options.speed, options.alert_speed)
        if options.alert_speed == 1:  # otherwise a day is over sooner
            last_day.write(address, promtool, data, options.ports)
    command = prometheus.command(program, programs.directory, options.ports, options.alert_speed)
    programs.start("prometheus", command, environment)
    programs.wait_until(lambda: prometheus.has_scraped(options.ports.prometheus), "Prometheus")
    _tell("Prometheus", "scrapes every 5 s")


def _start_alertmanager(program: Path, programs: Supervisor, environment: Mapping[str, str], options: Options) -> None:
    ports = options.ports
    webhook = [sys.executable, "-m", "demo.webhook", str(ports.webhook)]
    programs.start("webhook", webhook, environment, aloud=True)
    command = alertmanager.command(program, programs.directory, ports.alertmanager, ports.webhook, options.alert_speed)
    programs.start("alertmanager", command, environment)
    programs.wait_until(lambda: get(options.ports.alertmanager, "/-/ready") is not None, "Alertmanager")
    _tell("alerts", "are printed here when they are delivered")


def _start_preview(address: str, programs: Supervisor, environment: Mapping[str, str], options: Options) -> None:
    ports = options.ports
    reader = address if options.database_url else preview.reader(address)
    arguments = preview.arguments(ports.preview, ports.prometheus, ports.control)
    programs.start("preview", [sys.executable, "-m", *arguments], {**environment, "DATABASE_URL": reader})
    programs.wait_until(lambda: get(ports.preview, "/preview/dashboards") is not None, "the preview")
    _tell("preview", "draws the dashboards")


def _database(options: Options, ending: ExitStack) -> tuple[str, Callable[[], object]]:
    """Its address, and what raises ``PostgresError`` when our own server is gone."""
    if options.database_url is not None:
        return options.database_url, lambda: None
    server = ending.enter_context(EmbeddedPostgres.start())
    _tell("PostgreSQL", "embedded, gone with the demo")
    return server.create_database("ascent"), lambda: server.pid


def _environment(address: str, options: Options, directory: Path) -> Mapping[str, str]:
    """Ours, but for what configures another exporter than the demo's."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    port = str(options.ports.exporter)
    control = {
        "CONTROL_API_AUTH": "loopback",
        "CONTROL_API_PORT": str(options.ports.control),
        "CONTROL_API_ORIGINS": preview.origins(options.ports.preview),
        "CONTROL_API_DASHBOARD_URL": preview.first_dashboard(options.ports.preview),
        "CONTROL_API_JANITOR_EVERY": "0",  # the platform has a janitor of its own
    }
    queue = _queue(address, options, directory)
    return {**kept, **control, **queue, "EXPORTER_HOST": "127.0.0.1", "EXPORTER_PORT": port}


def _queue(address: str, options: Options, directory: Path) -> Mapping[str, str]:
    """The variables that name the queue; with faster alerts it is read as often as Prometheus asks."""
    if options.engine is None and options.alert_speed == 1:
        return {"DATABASE_URL": address}
    source = {"name": "main", "dsn": address, **(engines.source(options.engine) if options.engine else {})}
    if options.alert_speed != 1:
        source["poll_interval"] = max(1.0, 15 / options.alert_speed)
        source["scrape_interval"] = max(1.0, 60 / options.alert_speed)
    file = directory / "system-status.json"
    file.write_text(json.dumps({"sources": [source]}), "utf-8")
    return {"SYSTEM_STATUS_CONFIG": str(file)}


def _tell_addresses(address: str, options: Options, *, prometheus: bool, alerts: bool, dashboards: bool) -> None:
    ports = options.ports
    metrics = f"http://127.0.0.1:{options.ports.exporter}/metrics"
    print()
    if dashboards:
        _tell("dashboards", f"http://127.0.0.1:{ports.preview}/")
    else:
        _tell("dashboards", "not drawn: needs Prometheus, and the page that make preview builds with Node 20")
    _tell("metrics", metrics)
    _tell("control", f"http://127.0.0.1:{ports.control}/control/")
    if prometheus:
        _tell("Prometheus", f"http://127.0.0.1:{options.ports.prometheus}/graph?g0.expr=jobqueue_jobs&g0.tab=1")
    else:
        _tell("Prometheus", "not found: put it on the PATH to have it, too")
    if alerts:
        _tell("Alertmanager", f"http://127.0.0.1:{options.ports.alertmanager}/api/v2/alerts")
        if options.engine is None:
            _tell("chaos", "python -m demo chaos failing-job   # or another: see --help")
    else:
        _tell("Alertmanager", "not found: put it on the PATH to have alerts delivered, too")
    if options.database_url is None:
        _tell("PostgreSQL", address)
    _tell("example", f"curl -s {metrics} | grep last24h_success_ratio")
    _tell("stop", "Ctrl-C")


def _tell(what: str, text: str) -> None:
    print(f"{what:<14}{text}", flush=True)

"""``system-status check``: look at the whole installation, and print what mends each fault."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from aiohttp import ClientSession

from jobqueue.check import Report, Roles, SeveralDatabasesError, as_json, fix_sql, lines, look_at_source
from jobqueue.config import Source, load_or_exit
from jobqueue.engines import ENGINES
from jobqueue.terminal import complain, ends_with_its_reader, say
from system_status.installation.alertmanager import alertmanager_report
from system_status.installation.grafana import grafana_report
from system_status.installation.http import TIMEOUT
from system_status.installation.programs import control_report, exporter_report
from system_status.installation.prometheus import prometheus_report

PROGRAM = "system-status check"
_TOKEN, _TOKEN_FILE = "GRAFANA_TOKEN", "GRAFANA_TOKEN_FILE"  # names of variables
_WRONG_USAGE = 2


@ends_with_its_reader
def main() -> int:
    """Run the check; 0 when nothing has to be mended, 1 when something has, 2 for wrong usage or configuration."""
    arguments = _parser().parse_args()
    settings = load_or_exit(os.environ, ENGINES, PROGRAM)
    names = [source.name for source in settings.sources]
    unknown = sorted(set(arguments.source) - set(names))
    if unknown:
        complain(f"{PROGRAM}: no source {', '.join(unknown)} is configured; there are: {', '.join(names)}")
        return _WRONG_USAGE
    sources = [source for source in settings.sources if not arguments.source or source.name in arguments.source]
    reports = asyncio.run(_reports(sources, arguments))
    if arguments.json:
        print(json.dumps(as_json(reports), indent=2))
    elif arguments.fix_sql:
        try:
            print("\n".join(fix_sql(reports)))
        except SeveralDatabasesError:
            complain(f"{PROGRAM}: the SQL belongs into several databases: choose one with --source")
            return _WRONG_USAGE
    else:
        for line in _lines(reports):
            say(line)
    return 0 if all(report.is_good for report in reports) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__, epilog="docs/checks.md explains every finding.")
    parser.add_argument(
        "--source", metavar="NAME", action="append", default=[], help="check this source only; repeatable"
    )
    for name, program in (
        ("exporter", "the exporter"),
        ("control", "the control API"),
        ("grafana", "Grafana's source"),
    ):
        default = f"system_status_{name}"
        parser.add_argument(
            f"--{name}-role", metavar="ROLE", default=default, help=f"{program}'s role (default: {default})"
        )
    for name, example in (
        ("exporter", "http://localhost:9810"),
        ("control", "http://localhost:9811"),
        ("prometheus", "http://localhost:9090"),
        ("alertmanager", "http://localhost:9093"),
        ("grafana", "https://grafana.example.org"),
    ):
        parser.add_argument(f"--{name}", metavar="URL", help=f"check it at this address, such as {example}")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--fix-sql", action="store_true", help="print the SQL alone, for psql")
    how.add_argument("--json", action="store_true", help="print a list of objects")
    return parser


async def _reports(sources: Sequence[Source], arguments: argparse.Namespace) -> list[Report]:
    roles = Roles(arguments.exporter_role, arguments.control_role, arguments.grafana_role)
    reports = [await look_at_source(source, roles) for source in sources]
    async with ClientSession(timeout=TIMEOUT) as session:
        if arguments.exporter:
            reports.append(await exporter_report(session, arguments.exporter))
        if arguments.control:
            reports.append(await control_report(session, arguments.control))
        if arguments.prometheus:
            names = [source.name for source in sources]
            reports.append(await prometheus_report(session, arguments.prometheus, names))
        if arguments.alertmanager:
            reports.append(await alertmanager_report(session, arguments.alertmanager))
    if arguments.grafana:
        reports.append(await grafana_report(arguments.grafana, _token()))
    return reports


def _lines(reports: Sequence[Report]) -> Iterator[str]:
    for report in reports:
        yield from lines(report)
        if report.facts:
            yield f"  ({', '.join(f'{name} {value}' for name, value in report.facts.items() if value)})"


def _token() -> str:
    if path := os.environ.get(_TOKEN_FILE):
        try:
            return Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""
    return os.environ.get(_TOKEN, "")


if __name__ == "__main__":
    sys.exit(main())

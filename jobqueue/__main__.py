"""``python -m jobqueue``: our own tables, the roles that use them, the queues in a database, the list of metrics."""

import argparse
import os
import sys
from collections.abc import Sequence

from jobqueue.config import Source, load_or_exit
from jobqueue.engines import ENGINES
from jobqueue.reference import metrics_page
from jobqueue.tables.connection import MigrationError, connected
from jobqueue.tables.grants import Part, grants
from jobqueue.tables.migrate import migrate
from jobqueue.tables.recording import record_completions, remove_recorders
from jobqueue.tables.targets import found_queues
from jobqueue.terminal import complain, ends_with_its_reader, say

PROGRAM = "python -m jobqueue"


@ends_with_its_reader
def main() -> int:
    """Run the command; 0 when it did what it says, 1 when a database refused, 2 for wrong usage or configuration."""
    arguments = _parser().parse_args()
    if arguments.command == "metrics":
        print("\n".join(metrics_page()))
        return 0
    settings = load_or_exit(os.environ, ENGINES, PROGRAM)
    try:
        match arguments.command:
            case "grants":
                _grants(settings.sources, arguments)
            case "detect":
                _detect(settings.sources)
            case _:
                _migrate(settings.sources, arguments)
    except MigrationError as error:
        complain(f"{PROGRAM} {arguments.command}: {error}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    migrating = commands.add_parser("migrate", help="make or upgrade the tables in schema system_status")
    recording = migrating.add_mutually_exclusive_group()
    recording.add_argument(
        "--record-completions",
        action="store_true",
        help="also make triggers that write down what finishes, for an engine that deletes it",
    )
    recording.add_argument("--remove-recorder", action="store_true", help="take these triggers and their table away")
    migrating.add_argument(
        "--moved",
        metavar="NAME",
        action="append",
        default=[],
        help="NAME stands for the same queue as before, which has moved: keep what was counted; default none",
    )
    migrating.add_argument(
        "--forget",
        metavar="NAME",
        action="append",
        default=[],
        help="free NAME for another queue: delete what was counted, but not the log of actions; default none",
    )
    granting = commands.add_parser("grants", help="print the SQL that makes least-privilege roles")
    part = granting.add_mutually_exclusive_group()
    part.add_argument("--roles", action="store_true", help="only what makes the roles: for a role with CREATEROLE")
    part.add_argument("--rights", action="store_true", help="only what they may do: for the owner of the tables")
    roles = (("exporter", "the exporter"), ("control", "the control API"), ("grafana", "Grafana's data source"))
    for name, program in roles:
        default = f"system_status_{name}"
        granting.add_argument(
            f"--{name}", metavar="ROLE", default=default, help=f"role of {program}; default %(default)s"
        )
    commands.add_parser("detect", help="name the queues in the configured databases")
    commands.add_parser("metrics", help="print docs/metrics.md")
    return parser


def _migrate(sources: Sequence[Source], arguments: argparse.Namespace) -> None:
    if arguments.remove_recorder:
        if arguments.moved or arguments.forget:
            raise MigrationError("--remove-recorder does nothing else: give --moved and --forget without it")
        remove_recorders(sources, say)
        return
    migrate(sources, say, moved=arguments.moved, forgotten=arguments.forget)
    if arguments.record_completions:
        record_completions(sources, say)


def _grants(sources: Sequence[Source], arguments: argparse.Namespace) -> None:
    # In a file or a pipe it is run: there each character of a name counts.
    write = say if sys.stdout.isatty() else print
    part = Part.ROLES if arguments.roles else Part.RIGHTS if arguments.rights else Part.ALL
    for line in grants(sources, arguments.exporter, arguments.control, arguments.grafana, part=part):
        write(line)


def _detect(sources: Sequence[Source]) -> None:
    """Name the queues; the configured engine and schema don't matter."""
    for source in sources:
        with connected(source.dsn.get_secret_value(), [source]) as conn:
            found = found_queues(conn)
            database = conn.info.dbname
        for queue in found:
            say(f"database {database}: QUEUE_ENGINE={queue.engine} QUEUE_SCHEMA={queue.schema}")
        if not found:
            say(f"database {database}: no queue that System Status knows")


if __name__ == "__main__":
    sys.exit(main())

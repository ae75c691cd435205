"""``python -m jobqueue migrate | grants | metrics``: our own tables, the roles that use them, the list of metrics."""

import argparse
import os
import sys

from jobqueue.config import load_or_exit
from jobqueue.engines import ENGINES
from jobqueue.reference import metrics_page
from jobqueue.tables.grants import grants
from jobqueue.tables.migrate import MigrationError, migrate, record_completions, remove_recorders
from jobqueue.terminal import complain, say

PROGRAM = "python -m jobqueue"


def main() -> int:
    """Run the command; 0 when it did what it says, 1 when a database refused, 2 for wrong usage or configuration."""
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
    granting = commands.add_parser("grants", help="print the SQL that makes least-privilege roles")
    granting.add_argument("--exporter", default="system_status_exporter", help="role of the exporter")
    granting.add_argument("--control", default="system_status_control", help="role of the control API")
    granting.add_argument("--grafana", default="system_status_grafana", help="role of Grafana's data source")
    commands.add_parser("metrics", help="print docs/metrics.md")
    arguments = parser.parse_args()
    if arguments.command == "metrics":
        print("\n".join(metrics_page()))
        return 0

    settings = load_or_exit(os.environ, ENGINES, PROGRAM)
    if arguments.command == "grants":
        # In a file or a pipe it is run: there each character of a name counts.
        write = say if sys.stdout.isatty() else print
        for line in grants(settings.sources, arguments.exporter, arguments.control, arguments.grafana):
            write(line)
        return 0
    try:
        if arguments.remove_recorder:
            remove_recorders(settings.sources, say)
            return 0
        migrate(settings.sources, say)
        if arguments.record_completions:
            record_completions(settings.sources, say)
    except MigrationError as error:
        complain(f"{PROGRAM} migrate: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

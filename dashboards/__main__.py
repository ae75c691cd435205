"""``python -m dashboards build | check | publish``."""

import argparse
import os
import sys

from dashboards.build import write
from dashboards.check import faults
from dashboards.publish import TOKEN, TOKEN_FILE, PublishError, publish, token

PROGRAM = "python -m dashboards"


def main() -> int:
    """Run the command; 0 when all is well, 1 when something is wrong, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="write dashboards/build/*.json")
    commands.add_parser("check", help="say what is wrong with them, a line each")
    publishing = commands.add_parser("publish", help=f"upload them; the token stands in {TOKEN} or {TOKEN_FILE}")
    publishing.add_argument("--grafana", required=True, metavar="URL", help="such as https://grafana.example.org")
    arguments = parser.parse_args()
    match arguments.command:
        case "build":
            return _build()
        case "check":
            return _check()
        case _:
            return _publish(arguments.grafana)


def _build() -> int:
    for path in write():
        print(path.name)
    return 0


def _check() -> int:
    found = list(faults())
    for fault in found:
        print(f"{PROGRAM} check: {fault}", file=sys.stderr)
    return 1 if found else 0


def _publish(grafana: str) -> int:
    try:
        publish(grafana, token(os.environ), lambda line: print(line, flush=True))
    except PublishError as error:
        print(f"{PROGRAM} publish: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

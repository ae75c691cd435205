"""``python -m control_api``: Run now and the clean-up buttons; ``token`` makes tokens for scripts."""

import argparse
import asyncio
import os
import sys

from control_api.app import CannotListenError, serve
from control_api.settings import load_control_or_exit
from control_api.tokens import add_token_commands, run_token_command
from jobqueue.engines import ENGINES
from jobqueue.logs import configure
from jobqueue.terminal import complain, ends_with_its_reader

PROGRAM = "python -m control_api"


@ends_with_its_reader
def main() -> int:
    """Run; 0 when all went well, 1 when something is in the way, 2 for wrong usage or configuration."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    add_token_commands(parser.add_subparsers(dest="command"))
    arguments = parser.parse_args()

    settings, control = load_control_or_exit(os.environ, ENGINES, PROGRAM)
    configure(settings.log)
    if arguments.command == "token":
        return run_token_command(arguments, settings, PROGRAM)
    try:
        asyncio.run(serve(settings.sources, control))
    except CannotListenError as error:
        complain(f"{PROGRAM}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

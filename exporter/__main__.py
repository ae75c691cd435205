"""``python -m exporter``: read the configured queues and serve what was read on /metrics."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from exporter.app import CannotListenError, print_once, serve
from jobqueue.check import lines, look_at_source
from jobqueue.config import Source, load_or_exit
from jobqueue.engines import ENGINES
from jobqueue.logs import configure
from jobqueue.terminal import complain, ends_with_its_reader, say

PROGRAM = "python -m exporter"


@ends_with_its_reader
def main() -> int:
    """Run; 0 when all went well, 1 when something is wrong with a source, 2 for wrong usage or configuration."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--once", action="store_true", help="print one exposition and end")
    how.add_argument("--check", action="store_true", help="say what is wrong with the sources and what mends it")
    arguments = parser.parse_args()

    settings = load_or_exit(os.environ, ENGINES, PROGRAM)
    configure(settings.log)
    if arguments.check:
        return 0 if asyncio.run(_check(settings.sources)) else 1
    if arguments.once:
        return 0 if asyncio.run(print_once(settings)) else 1
    try:
        asyncio.run(serve(settings))
    except CannotListenError as error:
        complain(f"{PROGRAM}: {error}")
        return 1
    return 0


async def _check(sources: Sequence[Source]) -> bool:
    """Say for each source what is wrong with it, line by line; True when nothing is."""
    good = True
    for source in sources:
        report = await look_at_source(source)
        good = good and report.is_good
        for line in lines(report):
            say(line)
    return good


if __name__ == "__main__":
    sys.exit(main())

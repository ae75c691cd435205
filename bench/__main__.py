"""``python -m bench``: measure what the exporter costs, and print a report in Markdown."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from bench.document import put_report
from bench.plan import PARTS, SMALL, Plan
from bench.programs import ProgramError
from bench.run import measure
from jobqueue.terminal import ends_with_its_reader

_PERFORMANCE = Path(__file__).parents[1] / "docs/performance.md"


@ends_with_its_reader
def main() -> int:
    """Run the parts that were asked for; 1 when a program that is measured isn't there or ends."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only",
        type=_parts,
        default=PARTS,
        help=f"some of {','.join(PARTS)}, with commas; default all",
        metavar="PARTS",
    )
    parser.add_argument(
        "--rows", type=_sizes, help="sizes of the table, with commas, such as 1000000,10000000; default these"
    )
    parser.add_argument("--small", action="store_true", help="seconds instead of minutes; the figures say nothing")
    parser.add_argument("--write", action="store_true", help="put the report into docs/performance.md")
    arguments = parser.parse_args()

    plan = SMALL if arguments.small else Plan()
    try:
        report = measure(replace(plan, rows=arguments.rows or plan.rows), arguments.only)
    except ProgramError as error:
        print(f"python -m bench: {error}", file=sys.stderr)
        return 1
    print(report, end="")
    if arguments.write:
        put_report(report, _PERFORMANCE)
    return 0


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(text.split(","))
    if unknown := set(parts) - set(PARTS):
        raise argparse.ArgumentTypeError(f"found {', '.join(unknown)}, allowed: {', '.join(PARTS)}")
    return parts


def _sizes(text: str) -> tuple[int, ...]:
    sizes = text.split(",")
    if not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise argparse.ArgumentTypeError(
            f"found {text}, allowed: numbers of rows with commas, such as 1000000,10000000"
        )
    return tuple(sorted(map(int, sizes)))


if __name__ == "__main__":
    sys.exit(main())

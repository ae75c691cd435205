"""``python -m soak``: real work under two exporters with a monkey at large, and every figure compared at the end."""

import argparse
import asyncio
import contextlib
import signal
import sys
from datetime import datetime
from pathlib import Path
from secrets import randbelow

from jobqueue.terminal import ends_with_its_reader
from soak.plan import FAIR, KINDS, Plan
from soak.run import soak
from soak.scraper import NoPrometheusError

_LONGEST_MINUTES = 24 * 60
"""Our tables keep a day."""
_INTERRUPTED = 130


@ends_with_its_reader
def main() -> int:
    """Run one; 1 when anything was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument(
        "--minutes",
        type=_minutes,
        default=10.0,
        help=f"how long the monkey plays, up to {_LONGEST_MINUTES}; default 10",
    )
    parser.add_argument(
        "--seed", type=int, help="a number: the same one plays the same again; default by chance, and printed"
    )
    parser.add_argument(
        "--kinds", type=_kinds, default=FAIR, help=f"all it may do, of {','.join(KINDS)}; default {','.join(FAIR)}"
    )
    parser.add_argument(
        "--with", dest="more", type=_kinds, default=(), help="do that, too; default nothing", metavar="KINDS"
    )
    parser.add_argument("--without", type=_kinds, default=(), help="leave that out; default nothing", metavar="KINDS")
    parser.add_argument(
        "--flood", type=int, default=500, help="jobs of the flood that finish each second; default %(default)s"
    )
    parser.add_argument("--logs", type=Path, help="a folder for what programs log; default one that goes in the end")
    arguments = parser.parse_args()
    kinds = tuple(
        kind for kind in KINDS if kind in {*arguments.kinds, *arguments.more} and kind not in arguments.without
    )
    if not kinds:
        parser.error("nothing is left for the monkey to do")
    seed = randbelow(10**6) if arguments.seed is None else arguments.seed
    plan = Plan(seed=seed, minutes=arguments.minutes, kinds=kinds, flood=arguments.flood)
    try:
        return 0 if asyncio.run(_run(plan, arguments.logs)) else 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("python -m soak: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except NoPrometheusError as error:
        print(f"python -m soak: {error}", file=sys.stderr)
        return 1


async def _run(plan: Plan, logs: Path | None) -> bool:
    this = asyncio.current_task()
    if this is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, this.cancel)
    return await soak(plan, logs, _say)


def _say(line: str) -> None:
    print(f"{datetime.now().astimezone():%H:%M:%S} {line}", flush=True)


def _minutes(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= _LONGEST_MINUTES:
            return float(text)
    raise argparse.ArgumentTypeError(f"found {text}, allowed: a number of minutes up to {_LONGEST_MINUTES}")


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(text.split(","))
    if unknown := set(kinds) - set(KINDS):
        raise argparse.ArgumentTypeError(f"found {', '.join(unknown)}, allowed: {', '.join(KINDS)}")
    return kinds


if __name__ == "__main__":
    sys.exit(main())

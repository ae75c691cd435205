"""``python -m demo``: a small platform, and all that watches it."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import fields
from pathlib import Path
from threading import Event

import psycopg

from demo import chaos, log, run, running
from demo.database import SomebodyElsesQueue, prepare
from demo.engines import ENGINES
from demo.platform import run as platform
from demo.platform.chaos import Chaos
from demo.platform.fleet import ProcessEnded
from demo.ports import Ports, PortTaken
from demo.running import NotRunning
from demo.supervisor import ProgramFailed, Stopped
from demo.wheel import PostgresError
from jobqueue.config.conninfo import mistake
from jobqueue.terminal import ends_with_its_reader

_FAILURES = (NotRunning, PortTaken, PostgresError, ProcessEnded, ProgramFailed, SomebodyElsesQueue)


@ends_with_its_reader
def main() -> int:
    """Run the command; 0 when it was asked to stop, 1 when something went wrong, 2 for wrong usage."""
    parser = _parser()
    arguments = parser.parse_args()
    log.configure()
    try:
        if not arguments.command:
            _demo(parser, arguments)
        elif arguments.command == "chaos":
            address = _readable(parser, arguments.database_url or running.address())
            asyncio.run(chaos.reign(address, arguments.kinds, arguments.seconds))
        elif arguments.command == "prepare":
            print(f"{asyncio.run(prepare(_address(parser, arguments), past=True)):,} jobs")
        else:
            asyncio.run(_platform(_address(parser, arguments), arguments))
    except Stopped:
        return 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (*_FAILURES, psycopg.Error) as error:
        print(f"demo: {str(error).strip()}", file=sys.stderr)
        return 1
    return 0


async def _platform(address: str, arguments: argparse.Namespace) -> None:
    await prepare(address, past=arguments.history)
    await platform.run(address, arguments.workers, arguments.speed, steady=arguments.steady)


def _demo(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    address = os.environ.get("DATABASE_URL")
    options = run.Options(
        database_url=_readable(parser, address) if address else None,
        ports=Ports(**{field.name: getattr(arguments, f"{field.name}_port") for field in fields(Ports)}),
        workers=arguments.workers,
        speed=arguments.speed,
        alert_speed=arguments.alert_speed,
        steady=arguments.steady,
        engine=arguments.engine,
    )
    run.run(options, stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    for field in fields(Ports):
        parser.add_argument(
            f"--{field.name}-port",
            type=_port,
            default=field.default,
            metavar="PORT",
            help=f"where {field.name} serves; default %(default)s",
        )
    parser.add_argument(
        "--alert-speed",
        type=_speed,
        default=1.0,
        metavar="X",
        help="alerts wait and look back X times as short; default 1",
    )
    parser.add_argument("--engine", choices=ENGINES, help="another queue, with its real workers; default Ascent")
    _add_platform_options(parser)
    commands = parser.add_subparsers(
        dest="command", metavar="prepare | platform | chaos", title="a part alone, or trouble"
    )

    preparing = commands.add_parser("prepare", help="the queue with its past, in a database of yours")
    platform = commands.add_parser("platform", help="the platform alone, on a database of yours")
    for command in (preparing, platform):
        command.add_argument(
            "--database-url",
            metavar="URL",
            help="postgresql://…, of a role that may make tables there; default what DATABASE_URL says, or the file "
            "that DATABASE_URL_FILE names",
        )
    platform.add_argument("--no-history", dest="history", action="store_false", help="start without a past")
    _add_platform_options(platform)

    chaos = commands.add_parser("chaos", help="make a running demo misbehave until Ctrl-C, and heal it")
    chaos.add_argument("kinds", nargs="+", choices=list(Chaos), type=Chaos, metavar="KIND", help=", ".join(Chaos))
    chaos.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="for so long; default until Ctrl-C")
    chaos.add_argument(
        "--database-url", metavar="URL", help="that of the demo; default the one running on this machine"
    )
    return parser


def _add_platform_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers", type=_workers, default=3, metavar="N", help="1 to 20 besides the two servers; default %(default)s"
    )
    parser.add_argument(
        "--speed", type=_speed, default=1.0, metavar="X", help="work, clicks and backoffs X times as fast; default 1"
    )
    parser.add_argument("--steady", action="store_true", help="no worker is lost now and then")


def _address(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> str:
    """What the option says, or ``DATABASE_URL``, or the file that ``DATABASE_URL_FILE`` names."""
    if arguments.database_url:
        return _readable(parser, str(arguments.database_url))
    found = os.environ.get("DATABASE_URL")
    if file := os.environ.get("DATABASE_URL_FILE"):
        try:
            found = Path(file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text in UTF-8"
            parser.error(f"DATABASE_URL_FILE: can't be read: {reason}")
    if not found:
        parser.error(f"{arguments.command} needs --database-url or DATABASE_URL")
    return _readable(parser, found)


def _readable(parser: argparse.ArgumentParser, address: str) -> str:
    """The same connection string; libpq would quote one that it can't read."""
    if (reason := mistake(address)) is not None:
        parser.error(f"--database-url or DATABASE_URL: not a connection string (not shown): {reason}")
    return address


def _port(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} isn't a port, 1 to 65535")


def _workers(text: str) -> int:
    if text.isdecimal() and 0 < int(text) <= 20:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} isn't a number of workers, 1 to 20")


def _speed(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= 1000:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text} isn't a speed, above 0 and at most 1000")


if __name__ == "__main__":
    sys.exit(main())

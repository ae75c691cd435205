"""``python -m preview``: the dashboards in a browser, over a running Prometheus, control API and database."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from aiohttp import ClientError
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from jobqueue.terminal import ends_with_its_reader
from preview.app import serve
from preview.pictures import draw
from preview.settings import BUILT_DASHBOARDS, ROOT, Settings
from preview.site import NotBuiltError


@ends_with_its_reader
def main() -> int:
    """Run the command; 0 when it was asked to stop or is done, 1 when it couldn't, 2 for wrong usage."""
    parser = _parser()
    arguments = parser.parse_args()
    try:
        if arguments.command == "pictures":
            if arguments.into is None:
                parser.error("pictures: needs --into FOLDER: outside a checkout there is no docs/images")
            asyncio.run(draw(arguments.url.rstrip("/"), arguments.into, arguments.job_type))
        else:
            asyncio.run(serve(_settings(parser, arguments)))
    except BrokenPipeError:  # whoever read what was printed has gone
        raise
    except (NotBuiltError, ClientError, OSError) as error:
        print(f"preview: {error}", file=sys.stderr)
        return 1
    return 0


def _settings(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> Settings:
    url = os.environ.get("DATABASE_URL")
    if not url:
        parser.error("the panels' SQL needs DATABASE_URL, that of a role that reads our views")
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        parser.error("DATABASE_URL: libpq can't read it")  # its own words would quote it
    return Settings(
        port=arguments.port,
        prometheus_url=arguments.prometheus.rstrip("/"),
        control_url=arguments.control.rstrip("/"),
        database_url=url,
        dashboards=arguments.dashboards,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m preview", description=__doc__)
    parser.add_argument("--port", type=int, default=3000, help="on 127.0.0.1; default %(default)s")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", metavar="URL", help="default %(default)s")
    parser.add_argument("--control", default="http://127.0.0.1:9811", metavar="URL", help="default %(default)s")
    parser.add_argument(
        "--dashboards",
        type=Path,
        default=BUILT_DASHBOARDS,
        metavar="FOLDER",
        help="classic JSON files; default those that came with it",
    )
    commands = parser.add_subparsers(dest="command", metavar="pictures", title="beside serving")

    pictures = commands.add_parser("pictures", help="draw the dashboards of a running preview as PNG files")
    pictures.add_argument("--url", default="http://127.0.0.1:3000", help="of the running preview; default %(default)s")
    in_checkout = (ROOT / "pyproject.toml").exists()
    pictures.add_argument(
        "--into",
        type=Path,
        default=ROOT / "docs/images" if in_checkout else None,
        metavar="FOLDER",
        help="where to; default docs/images in a checkout, elsewhere it is needed",
    )
    pictures.add_argument(
        "--job-type", default="files.thumbnail", help="that the Job dashboard shows; default %(default)s"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

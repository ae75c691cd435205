"""``python -m dashboards build | check | publish | limit``."""

import argparse
import os
import re
import sys
from pathlib import Path

from dashboards.files import FOLDER, classic
from dashboards.grafana_api import TOKEN, TOKEN_FILE, Grafana, GrafanaError, token
from dashboards.installed import FOLDER_TITLE, FOLDER_UID
from dashboards.publish import Order, limit, publish
from jobqueue.terminal import complain, ends_with_its_reader, say

PROGRAM = "python -m dashboards"
_UID = re.compile(r"[A-Za-z0-9_-]{1,40}")


@ends_with_its_reader
def main() -> int:
    """Run the command; 0 when all is well, 1 when something is wrong or was left alone, 2 for wrong usage."""
    arguments = _parser().parse_args()
    try:
        match arguments.command:
            case "build":
                return _build(arguments.to)
            case "check":
                return _check(arguments.folder)
            case _:
                return _publish(arguments)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        complain(f"{PROGRAM} {arguments.command}: {package} isn't installed: pip install {package}")
        return 1
    except GrafanaError as error:
        complain(f"{PROGRAM} {arguments.command}: {error}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="build | check | publish | limit")

    building = commands.add_parser("build", help="write the dashboards as JSON files")
    building.add_argument(
        "--to",
        type=Path,
        metavar="FOLDER",
        help="where to; default dashboards/build in a checkout, elsewhere it is needed",
    )
    checking = commands.add_parser("check", help="say what is wrong with the files, a line each")
    checking.add_argument(
        "--folder", type=Path, default=FOLDER, help="where they are; default those that came with this program"
    )
    publishing = commands.add_parser(
        "publish",
        help="upload what has changed into a folder of Grafana",
        description=f"Uploads what has changed into a folder of Grafana. The token stands in {TOKEN} or {TOKEN_FILE}.",
    )
    publishing.add_argument(
        "--from",
        dest="files",
        type=Path,
        default=FOLDER,
        metavar="FOLDER",
        help="of the files; default those that came with this program",
    )
    publishing.add_argument(
        "--overwrite", action="store_true", help="replace what somebody edited by hand, and fetch what was moved"
    )
    limiting = commands.add_parser(
        "limit",
        help="make the folder where it is missing, and let organization admins alone see it",
        description="Makes the folder where it is missing, and takes all rights away but those of organization admins, "
        f"whoever made it: before or after provisioning. The token stands in {TOKEN} or {TOKEN_FILE}.",
    )
    for command in (publishing, limiting):
        command.add_argument(
            "--grafana", required=True, metavar="URL", help="such as https://example.org/grafana, as browsers show it"
        )
        command.add_argument(
            "--folder", type=_uid, default=FOLDER_UID, metavar="UID", help="the folder's uid; default %(default)s"
        )
        command.add_argument(
            "--title",
            default=FOLDER_TITLE,
            help="what the folder is called where it has to be made; default %(default)s",
        )
        command.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    return parser


def _build(to: Path | None) -> int:
    # grafanalib is needed here and in check alone: whoever publishes may not have it.
    from dashboards.build import write

    if to is None and not (FOLDER.parents[1] / "pyproject.toml").exists():
        complain(f"{PROGRAM} build: needs --to FOLDER: this program was installed, and its own files stay as they are")
        return 2
    try:
        written = write(to or FOLDER)
    except OSError as error:
        complain(f"{PROGRAM} build: {error.filename}: can't be written: {error.strerror}")
        return 1
    for path in written:
        say(path.name)
    return 0


def _check(folder: Path) -> int:
    from dashboards.check import faults

    found = list(faults(folder))
    for fault in found:
        complain(f"{PROGRAM} check: {fault}")
    return 1 if found else 0


def _publish(arguments: argparse.Namespace) -> int:
    grafana = Grafana(arguments.grafana, token(os.environ))
    if arguments.command == "limit":
        limit(grafana, Order(arguments.folder, arguments.title, dry_run=arguments.dry_run), _say)
        return 0
    try:
        found = classic(arguments.files)
    except (OSError, ValueError):
        raise GrafanaError(f"--from {arguments.files}: holds files that aren't our dashboards") from None
    if not found:
        raise GrafanaError(f"--from {arguments.files}: no dashboards there: {PROGRAM} build --to FOLDER writes them")
    order = Order(arguments.folder, arguments.title, arguments.overwrite, arguments.dry_run)
    return 0 if publish(grafana, found, order, _say) else 1


def _say(line: str) -> None:
    say(line)
    sys.stdout.flush()  # each when it is done


def _uid(text: str) -> str:
    if not _UID.fullmatch(text):
        raise argparse.ArgumentTypeError("allowed: 1 to 40 of a-z A-Z 0-9 _ -, as in the folder's address in Grafana")
    return text


if __name__ == "__main__":
    sys.exit(main())

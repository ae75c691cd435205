"""``system-status rules``: the alert rules of this version, for Prometheus to load."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from jobqueue.terminal import ends_with_its_reader

PROGRAM = "system-status rules"
_PACKAGED = Path(__file__).parent / "alerts"
_CHECKOUT = Path(__file__).parents[1] / "alerts" / "rules"


def rule_files() -> list[Path]:
    """The files of the rules, by name: those of the package, or of the checkout that this module is part of."""
    folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    return sorted(folder.glob("*.yml"))


@ends_with_its_reader
def main() -> int:
    """Write the files, or print them; 0, or 1 when the folder refuses."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    parser.add_argument(
        "--to", metavar="FOLDER", type=Path, help="write a file for each group; by default all is printed"
    )
    arguments = parser.parse_args()
    if arguments.to is None:
        for text in _texts():
            print(text, end="")
        return 0
    try:
        arguments.to.mkdir(parents=True, exist_ok=True)
        for file in rule_files():
            (arguments.to / file.name).write_text(file.read_text("utf-8"), "utf-8")
            print(arguments.to / file.name)
    except OSError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    return 0


def _texts() -> Iterator[str]:
    """All files as one: groups under one key."""
    yield "groups:\n"
    for file in rule_files():
        _, _, groups = file.read_text("utf-8").partition("groups:\n")
        yield groups

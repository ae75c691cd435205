"""``system-status``: every program and command of System Status under one name."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version

from jobqueue.terminal import complain, ends_with_its_reader

PROGRAM = "system-status"
_DASHBOARDS = "pip install 'system-status[dashboards]'"


@dataclass(frozen=True, slots=True)
class Command:
    """A command, and the module that runs it by its ``main``."""

    help: str
    module: str
    arguments: tuple[str, ...] = ()
    """They stand before those of the command line."""
    needs: str = ""
    """What to run where the module's packages are missing."""


COMMANDS: Mapping[str, Command] = {
    "exporter": Command("serve the metrics of the configured queues", "exporter.__main__"),
    "control": Command("serve Run now and the clean-up buttons", "control_api.__main__"),
    "check": Command(
        "look at the whole installation, and print what mends each fault", "system_status.installation.command"
    ),
    "detect": Command("name the queues in the configured databases", "jobqueue.__main__", ("detect",)),
    "migrate": Command("make or upgrade the tables in schema system_status", "jobqueue.__main__", ("migrate",)),
    "grants": Command("print the SQL that makes least-privilege roles", "jobqueue.__main__", ("grants",)),
    "token": Command("make, list and revoke tokens of the control API", "control_api.__main__", ("token",)),
    "dashboards": Command("build, check and publish the dashboards", "dashboards.__main__", needs=_DASHBOARDS),
    "rules": Command("write the alert rules into a folder", "system_status.rules"),
    "metrics": Command("print the list of metrics", "jobqueue.__main__", ("metrics",)),
    "demo": Command("run a platform with workers, and everything that watches it", "demo.__main__"),
}


@ends_with_its_reader
def main() -> int:
    """Run a command; its exit code, or 2 for wrong usage."""
    match sys.argv[1:]:
        case [] | ["-h" | "--help", *_]:
            print(usage())
            return 0 if sys.argv[1:] else 2
        case ["--version", *_]:
            print(f"{PROGRAM} {version('system-status')}")
            return 0
        case [name, *arguments] if name in COMMANDS:
            return _run(COMMANDS[name], arguments)
        case [name, *_]:
            complain(f"{PROGRAM}: there is no command {name!r}; commands: {', '.join(COMMANDS)}")
            return 2
    raise AssertionError("every list of arguments is one of these")


def usage() -> str:
    """The list of commands."""
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {command.help}" for name, command in COMMANDS.items())
    return f"usage: {PROGRAM} COMMAND [OPTION]...\n\n{listed}\n\n{PROGRAM} COMMAND --help lists the options of one."


def _run(command: Command, arguments: list[str]) -> int:
    try:
        run: Callable[[], int] = import_module(command.module).main
    except ModuleNotFoundError as error:
        if not command.needs:
            raise
        complain(f"{PROGRAM}: package {error.name} is missing: {command.needs}")
        return 1
    sys.argv = [PROGRAM, *command.arguments, *arguments]
    return run()


if __name__ == "__main__":
    sys.exit(main())

"""``--help`` of every program: each option says what it takes, and what it is without being given."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import NoReturn

import pytest

from control_api.actions import Action
from tests.test_pipes import ROOT, modules


class _AskedError(Exception):
    """The parser of a program, as it was about to be used."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of its subcommands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)


def parser_of(module: str, monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    """What reads its command line; the program itself doesn't run."""

    def parse(self: argparse.ArgumentParser) -> NoReturn:
        raise _AskedError(self)

    for name in ("__main__", ""):
        try:
            program = import_module(f"{module}.{name}".rstrip("."))
        except ModuleNotFoundError:
            continue
        break
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    with pytest.raises(_AskedError) as asked:
        program.main()
    return asked.value.parser


def silent(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The options and arguments that leave a question open."""
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        said = (action.help or "") % {"default": action.default, "prog": parser.prog}
        name = f"{parser.prog}: {'/'.join(action.option_strings) or action.dest}"
        if not said:
            yield f"{name}: no help"
        elif action.option_strings and action.nargs != 0 and not action.required and "default" not in said:
            yield f"{name}: no default: {said}"
        elif isinstance(action.default, int | float) and action.nargs != 0 and f"{action.default:.9g}" not in said:
            yield f"{name}: another default than {action.default}: {said}"


@pytest.mark.parametrize("module", modules())
def test_each_option_says_what_it_takes_and_its_default(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [fault for parser in parsers(parser_of(module, monkeypatch)) for fault in silent(parser)]

    assert found == []


def test_an_option_without_words_is_found() -> None:
    parser = argparse.ArgumentParser(prog="x")
    parser.add_argument("--a")
    parser.add_argument("--b", help="a number", type=int)
    parser.add_argument("--c", help="a number; default 4", type=int, default=3)
    parser.add_argument("--d", help="a number", required=True)
    parser.add_argument("--e", help="a switch", action="store_true")

    assert [fault.split(": ")[1] for fault in silent(parser)] == ["--a", "--b", "--c"]


@pytest.mark.parametrize("module", modules())
def test_no_message_of_an_option_names_a_function_of_ours(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As argparse does for a type that raises ValueError."""
    for parser in parsers(parser_of(module, monkeypatch)):
        for action in parser._actions:
            kind = action.type
            if callable(kind) and kind not in (int, float) and not isinstance(kind, type):
                with pytest.raises(argparse.ArgumentTypeError):
                    kind("no such thing!")


def test_what_a_token_may_do_is_listed_with_what_each_does() -> None:
    command = [sys.executable, "-m", "control_api", "token", "new", "--help"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    for action in Action:
        assert f"  {action:16}{action.description}\n" in said
    assert "with commas between, such as run,janitor" in " ".join(said.split())


def test_help_never_shows_a_connection_string() -> None:
    secret = "postgresql://monitor:hunter2@db/app"
    for module in modules():
        for words in ([], ["prepare"], ["platform"]) if module == "demo" else ([],):
            command = [sys.executable, "-m", module, *words, "--help"]
            environment = {**os.environ, "DATABASE_URL": secret}
            said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
            assert "hunter2" not in said.stdout + said.stderr


def test_a_file_of_the_demo_that_is_not_there_is_a_line() -> None:
    environment = {**os.environ, "DATABASE_URL_FILE": "/nowhere"}
    command = [sys.executable, "-m", "demo", "prepare"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert "DATABASE_URL_FILE: can't be read: No such file or directory" in ended.stderr

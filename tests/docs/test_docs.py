"""What the documentation names is there: files, headings, commands, variables, messages."""

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from jobqueue.check import Code
from jobqueue.config.load import VARIABLES
from tests.docs.pages import PAGES, ROOT, anchors, blocks, name, text

_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_COMMAND = re.compile(r"python -m ([a-z_]+)((?: (?!--)[a-z-]+| --check\b| --once\b| --write\b)*)")
_OURS = re.compile(r"\b(?:(?:STORE_)?DATABASE_URL|QUEUE|SYSTEM_STATUS|EXPORTER|CONTROL_API|LOG)(?:_[A-Z]+)+\b")
_OPTIONS = ("--check", "--once", "--write")
_FROM_POSTGRES_AND_DOCKER = {  # whose words aren't in our code
    "permission denied for database …",
    "relation … does not exist",
    "bind source path does not exist: … .secrets",
    "Pool overlaps with other one on this address space",
    "port is already allocated",
    "password authentication failed for user",
}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for path, anchor in _LINK.findall(text(page)):
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(f"{path}#{anchor}")

    assert broken == []


def commands() -> list[tuple[str, ...]]:
    """Every ``python -m`` of the docs: module, subcommands, the options that are checked."""
    found = {(module, *words.split()) for page in PAGES for module, words in _COMMAND.findall(text(page))}
    return sorted(found)


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_commands_exist(command: tuple[str, ...]) -> None:
    options = [word for word in command if word in _OPTIONS]
    words = [word for word in command if word not in options]

    helped = help_of(*words)

    assert all(option in helped for option in options)


@cache
def help_of(*words: str) -> str:
    """What ``--help`` says; words behind a subcommand, which may be prose, are left out."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    run = [sys.executable, "-m", *words, "--help"]
    said = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    return said.stdout


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_variables_are_known(page: Path) -> None:
    stack = "".join((ROOT / file).read_text("utf-8") for file in ("docker-compose.yml", "docker-compose.own.yml"))

    named = set(_OURS.findall(text(page)))

    assert {variable for variable in named - set(VARIABLES) if not re.search(rf"\b{variable}\b", stack)} == set()


@cache
def said() -> tuple[str, ...]:
    """Every text in the programs, in the pieces between what is filled in."""
    sources = [
        file
        for package in ("jobqueue", "exporter", "control_api", "dashboards")
        for file in (ROOT / package).rglob("*.py")
    ]
    nodes = [node for file in sources for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return (*texts, (ROOT / "docker-compose.own.yml").read_text("utf-8"))


def messages() -> list[str]:
    """The messages that the tables of the page on troubleshooting begin with."""
    rows = re.findall(r"^\| (`.*?)(?<!\\) \| ", text(ROOT / "docs/troubleshooting.md"), re.MULTILINE)
    return [message for row in rows for message in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("message", messages())
def test_messages_are_said(message: str) -> None:
    if message in _FROM_POSTGRES_AND_DOCKER:
        return
    pieces = [piece for piece in message.split("…") if piece.strip(" ,:;?")]

    assert pieces
    assert [piece for piece in pieces if not any(piece.strip() in known for known in said())] == []


def test_every_finding_of_the_check_is_explained_once() -> None:
    explained = re.findall(r"^\| `([a-z][a-z-]+)` \|", text(ROOT / "docs/checks.md"), re.MULTILINE)

    assert sorted(explained) == sorted(Code)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_examples_in_yaml_can_be_read(page: Path) -> None:
    for block in blocks(page, "yaml"):
        assert yaml.safe_load(block)

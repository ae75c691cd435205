"""``system-status`` runs every program, and names what there is."""

import json
from pathlib import Path

import pytest
import yaml

from system_status.__main__ import COMMANDS
from system_status.rules import rule_files
from tests.exporter.process import run


@pytest.mark.parametrize("name", COMMANDS)
async def test_each_command_has_help(name: str) -> None:
    ended = await run(name, "--help", module="system_status")

    assert (ended.code, ended.errors) == (0, "")
    assert ended.output.startswith("usage: ")


async def test_the_list_of_commands_names_each_with_a_line() -> None:
    ended = await run("--help", module="system_status")

    assert ended.code == 0
    for name, command in COMMANDS.items():
        assert f"  {name}" in ended.output
        assert command.help in ended.output


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["--nonsense"]])
async def test_wrong_usage_is_told_from_a_failure(arguments: list[str]) -> None:
    assert (await run(*arguments, module="system_status")).code == 2


async def test_rules_are_written_as_they_stand_or_printed_as_one_file(tmp_path: Path) -> None:
    written = await run("rules", "--to", str(tmp_path / "rules"), module="system_status")
    printed = await run("rules", module="system_status")

    assert (written.code, printed.code) == (0, 0)
    files = {file.name: file.read_text() for file in rule_files()}
    assert {file.name: file.read_text() for file in (tmp_path / "rules").iterdir()} == files
    groups = [group for text in files.values() for group in yaml.safe_load(text)["groups"]]
    assert json.dumps(yaml.safe_load(printed.output)) == json.dumps({"groups": groups})

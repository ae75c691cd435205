"""The documentation names exactly what the code knows, and its examples load."""

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobqueue.config import ConfigurationError, Settings, load
from jobqueue.config.load import VARIABLES
from jobqueue.config.model import SECTIONS, keys
from jobqueue.engines import ENGINES
from jobqueue.schedules.expiry import duration

TEXT = (Path(__file__).parents[2] / "docs/configuration.md").read_text("utf-8")
SOURCES, SCHEDULES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def table(heading: str) -> list[tuple[str, str]]:
    """The first two columns of the table under *heading*."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \| (.*?) ?\|", section, re.MULTILINE)


def models(model: type[Any] = Settings, path: str = "") -> Iterator[tuple[str, type[Any]]]:
    """Every model with the path that stands before its keys."""
    yield path, model
    for key in keys(model):
        if key in SECTIONS:
            listed = "[]" if key in ("sources", "schedules") else ""
            yield from models(SECTIONS[key], f"{path}{key}{listed}.")


def written(default: object) -> str:
    match default:
        case float():
            return f"{default:g}"
        case timedelta():
            return duration(default)
        case _:
            return f"{default}"


def test_every_variable_is_documented_and_no_other() -> None:
    assert sorted(name for name, _ in table("Environment variables")) == sorted(VARIABLES)


def test_every_key_is_documented_and_no_other() -> None:
    known = [path + key for path, model in models() for key in keys(model)]

    assert sorted(name for name, _ in table("YAML keys")) == sorted(known)


def test_the_documented_defaults_are_the_real_ones() -> None:
    documented = dict(table("YAML keys"))
    defaults = {
        path + field.name: written(field.default)
        for path, model in models()
        for field in fields(model)
        if field.default and isinstance(field.default, str | int | float | timedelta)
    }

    assert {key: documented[key].strip("`") for key in defaults} == {
        key: default.replace("True", "true") for key, default in defaults.items()
    }
    assert len(defaults) >= 20


def test_every_engine_is_documented_and_no_other() -> None:
    engines = dict(table("Environment variables"))["QUEUE_ENGINE"]
    meanings = dict(re.findall(r"^\| `([^`]+)` \|.*?\| ([^|]*) \|$", TEXT, re.MULTILINE))

    assert engines == "`ascent`"
    assert sorted(re.findall(r"`(\w+)`", meanings["QUEUE_ENGINE"])) == sorted(ENGINES)


def test_the_example_of_a_mistake_is_what_is_said(tmp_path: Path) -> None:
    file = tmp_path / "status.yaml"
    file.write_text("sources: [{name: a, dsn: host=db}, {name: b, dsn: host=db, engine: ascend}]")

    with pytest.raises(ConfigurationError) as mistake:
        load({"SYSTEM_STATUS_CONFIG": str(file)}, ENGINES)

    assert f"```\nexporter: {mistake.value}\n```" in TEXT


def test_the_example_loads(tmp_path: Path) -> None:
    (tmp_path / "mail_replica").write_text("host=replica")
    (tmp_path / "mail_primary").write_text("host=primary")
    file = tmp_path / "status.yaml"
    file.write_text(SOURCES.replace("/run/secrets", str(tmp_path)))

    settings = load({"SYSTEM_STATUS_CONFIG": str(file)}, {"ascent"})

    orders, mail = settings.sources
    assert orders.store_dsn == orders.dsn
    assert mail.dsn.get_secret_value() == "host=replica"
    assert mail.store_dsn.get_secret_value() == "host=primary"


def test_the_example_of_a_schedule_loads(tmp_path: Path) -> None:
    file = tmp_path / "status.yaml"
    indented = SCHEDULES.replace("\n", "\n    ")
    file.write_text(f"sources:\n  - name: main\n    dsn: host=db\n    {indented}")

    settings = load({"SYSTEM_STATUS_CONFIG": str(file)}, {"ascent"})

    [schedule] = settings.sources[0].schedules
    assert schedule.expire_after == timedelta(minutes=5)

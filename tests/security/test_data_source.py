"""Grafana's connections to the database: few, and not for long. A viewer of the data source writes their SQL."""

import re
from pathlib import Path
from typing import Any

import yaml

from jobqueue.tables.grants import reader_limits

ROOT = Path(__file__).parents[2]
_GRAFANAS = 2
_LONGEST_SECONDS = 300


def postgres_sources() -> list[dict[str, Any]]:
    """What every file of ours says of a PostgreSQL data source."""
    files = [file for folder in ("dashboards", "deploy", "demo") for file in yaml_files(ROOT / folder)]
    documents = [document for file in files for document in yaml.safe_load_all(file.read_text("utf-8"))]
    sources = [source for document in documents if document for source in document.get("datasources", [])]
    return [source["jsonData"] for source in sources if "postgres" in source["type"]]


def yaml_files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*.y*ml") if "node_modules" not in file.parts]


def test_a_connection_of_the_data_source_of_grafana_lives_at_most_five_minutes() -> None:
    sources = postgres_sources()

    assert sources
    assert all(60 <= source["connMaxLifetime"] <= _LONGEST_SECONDS for source in sources)


def test_two_grafanas_together_stay_below_the_connection_limit_of_their_role() -> None:
    [role_limit] = map(int, re.findall(r"CONNECTION LIMIT (\d+)", "\n".join(reader_limits("grafana"))))
    for source in postgres_sources():
        assert _GRAFANAS * source["maxOpenConns"] < role_limit
        assert source["maxIdleConns"] <= source["maxOpenConns"]
        assert source["maxIdleConnsAuto"] is False


def test_the_documentation_names_the_limits_of_the_data_source() -> None:
    [source] = postgres_sources()
    text = (ROOT / "docs/dashboards.md").read_text("utf-8").replace("\n", " ")

    limits = re.search(r"\*Max open\* to (\d+), \*Max idle\* to (\d+) and \*Max lifetime\* to (\d+) seconds", text)

    assert limits
    assert [int(number) for number in limits.groups()] == [
        source["maxOpenConns"],
        source["maxIdleConns"],
        source["connMaxLifetime"],
    ]
    for page in (ROOT / "docs").rglob("*.md"):
        assert not re.search("14400|connMaxLifetime|maxOpenConns", page.read_text("utf-8"))

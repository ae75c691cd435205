"""Who may import whom, and that docs and code name the same things."""

import re
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from jobqueue.catalogue import CONTROL_METRICS, METRICS
from jobqueue.engine import Capability
from jobqueue.engines import ENGINES
from jobqueue.reference import metrics_page

ROOT = Path(__file__).parents[1]
DOCS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "jobqueue").rglob("*.md")),
]


def test_imports_go_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    assert lint_imports(no_cache=True) == 0


def test_the_list_of_metrics_is_current() -> None:
    assert (ROOT / "docs/metrics.md").read_text("utf-8") == "\n".join(metrics_page()) + "\n", "run make docs"


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_docs_name_only_metrics_that_are_served(page: Path) -> None:
    served = {metric.name for metric in (*METRICS, *CONTROL_METRICS)}
    rules = "".join(file.read_text("utf-8") for file in (ROOT / "alerts/rules").glob("*.yml"))
    recorded = set(re.findall(r"record: (\S+)", rules))

    named = set(re.findall(r"\b(?:\w+:)?jobqueue_[a-z0-9_]+[a-z0-9]\b(?::\w+)?", page.read_text("utf-8")))

    assert named <= served | recorded


@pytest.mark.parametrize("folder", ["jobqueue", "exporter", "dashboards", "demo", "preview", "bench", "soak"])
def test_no_sql_statement_is_put_together_in_python(folder: str) -> None:
    """SQL of any length stands in .sql files; what a line of Python holds is a line's worth."""
    statements = re.compile(r'"""[^"]*?\b(SELECT|INSERT INTO|DELETE FROM|UPDATE \w+ SET)\b', re.DOTALL)

    found = [path.name for path in (ROOT / folder).rglob("*.py") if statements.search(path.read_text("utf-8"))]

    assert found == []


@pytest.mark.parametrize("folder", ["jobqueue", "exporter", "control_api"])
def test_a_query_can_be_said_in_every_encoding(folder: str) -> None:
    """Comments included: psycopg encodes the whole text for the database. Migrations have a test of their own."""
    files = [path for path in (ROOT / folder).rglob("*.sql") if path.parent.name != "migrations"]

    assert [path.name for path in files if not path.read_text("utf-8").isascii()] == []


def test_exporter_and_control_api_name_no_engine() -> None:
    named = re.compile("|".join(ENGINES))

    found = [
        path.name
        for folder in ("exporter", "control_api")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".sql", ".j2") and named.search(path.read_text("utf-8"))
    ]

    assert found == []


def test_every_engine_has_its_page_and_its_column_in_the_table() -> None:
    table = (ROOT / "docs/engines/README.md").read_text("utf-8")

    for engine in ENGINES:
        assert (ROOT / f"jobqueue/engines/{engine}/README.md").exists()
        assert f"[{engine}](" in table
    assert all(f"`{capability}`" in table for capability in Capability)

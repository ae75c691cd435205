"""Who may import whom, and that docs and code name the same things."""

import re
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from jobqueue.catalogue import CONTROL_METRICS, METRICS
from jobqueue.reference import metrics_page

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_imports_go_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    assert lint_imports(no_cache=True) == 0


def test_the_list_of_metrics_is_current() -> None:
    assert (ROOT / "docs/metrics.md").read_text("utf-8") == "\n".join(metrics_page()) + "\n", "run make docs"


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_docs_name_only_metrics_that_are_served(page: Path) -> None:
    served = {metric.name for metric in (*METRICS, *CONTROL_METRICS)}

    named = set(re.findall(r"\bjobqueue_[a-z0-9_]+[a-z0-9]\b", page.read_text("utf-8")))

    assert named <= served


@pytest.mark.parametrize("folder", ["jobqueue", "exporter", "dashboards", "demo", "preview", "bench"])
def test_no_sql_statement_is_put_together_in_python(folder: str) -> None:
    """SQL of any length stands in .sql files; what a line of Python holds is a line's worth."""
    statements = re.compile(r'"""[^"]*?\b(SELECT|INSERT INTO|DELETE FROM|UPDATE \w+ SET)\b', re.DOTALL)

    found = [path.name for path in (ROOT / folder).rglob("*.py") if statements.search(path.read_text("utf-8"))]

    assert found == []

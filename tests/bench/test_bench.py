"""The benchmark's parts run, over tables so small that their figures say nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.document import BEGIN, END, put_report
from bench.programs import find_postgres_exporter

ROOT = Path(__file__).parents[2]

COUNTING = [
    *(
        f"a poll of `{name}`"
        for name in ("server", "schedules", "workers", "active", "ready", "runs", "live", "finished")
    ),
    "a poll of each but `live`",
    "first start: 24 h of history",
    "first start: a scrape waits at most",
    "all finished counted",
    "24 h read back",
    "a minute of all reads",
    "a minute as watched",
    "`GET /metrics`",
    "memory of the exporter",
    "custom query: jobs by type and state",
    "custom query: 24 h percentiles",
    "custom queries: a scrape",
    "custom queries: a minute",
    "memory of postgres_exporter",
    "at most 10 ms more than at 2,000",
    "at least 300 times cheaper",
    "at least 100 times cheaper",
]
RATE = [
    "| every job that finished is counted | difference +0 | met |",
    "at most 2% of a core",
    "processor time of the exporter itself",
    "lag, greatest in the second half",
    "slowest `GET /metrics` meanwhile",
]
SCRAPE = [
    "200 job types and 100 workers",
    "a scrape takes at most 50 ms",
    "the exporter takes at most 120 MB",
    "series",
]


@pytest.fixture(scope="module")
def report() -> str:
    parts = "scrape,counting,rate" if find_postgres_exporter() else "scrape,rate"
    command = [sys.executable, "-m", "bench", "--small", "--only", parts]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.skipif(find_postgres_exporter() is None, reason="needs scripts/debian-tool prometheus-postgres-exporter")
def test_both_ways_of_counting_are_measured(report: str) -> None:
    assert [figure for figure in COUNTING if figure not in report] == []


def test_every_job_finished_at_the_rate_is_counted(report: str) -> None:
    assert [figure for figure in RATE if figure not in report] == []
    assert report.count("(difference +0)") == len(["run_minutes", "/metrics"])


def test_scrapes_are_measured(report: str) -> None:
    assert [figure for figure in SCRAPE if figure not in report] == []


def test_an_unknown_part_is_refused() -> None:
    command = [sys.executable, "-m", "bench", "--only", "speed"]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert "found speed, allowed: scrape, counting, rate" in ended.stderr


def test_a_report_replaces_the_last_one_and_nothing_else(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"Before.\n\n{BEGIN}\nold\n{END}\n\nAfter.\n")

    put_report("new\n", document)

    assert document.read_text() == f"Before.\n\n{BEGIN}\n\nnew\n\n{END}\n\nAfter.\n"


@pytest.mark.parametrize("text", ["", BEGIN, END + BEGIN, BEGIN + END + END], ids=["none", "one", "reversed", "twice"])
def test_a_document_without_its_two_marks_is_left_alone(tmp_path: Path, text: str) -> None:
    document = tmp_path / "performance.md"
    document.write_text(text)

    with pytest.raises(ValueError, match="needs"):
        put_report("new\n", document)

    assert document.read_text() == text

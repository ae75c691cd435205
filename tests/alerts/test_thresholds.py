"""The thresholds as they ship go with the defaults of what they are about."""

import re
from dataclasses import fields
from typing import cast

import pytest
import yaml

from control_api.settings import janitor_every
from exporter.poller import SLOWEST_SECONDS
from jobqueue.config import Janitor
from jobqueue.config.model import Source
from tests.alerts.expressions import ROOT, rules

JANITOR = Janitor()
POLL = cast("float", {field.name: field.default for field in fields(Source)}["poll_interval"])


def seconds(text: str) -> float:
    """A duration as YAML has it, such as ``15s`` or ``5m``."""
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


SCRAPE = seconds(yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["global"]["scrape_interval"])
EVERY = janitor_every(JANITOR, by_itself=True)
ROUND = EVERY.total_seconds() if EVERY else 0.0
FAILS_ACTIVE = JANITOR.fail_active_after.total_seconds()
CANCELS_PENDING = JANITOR.cancel_pending_after.total_seconds()
REAPS = JANITOR.reap_workers_after.total_seconds()
DEFAULT = {
    rule["labels"]["threshold"]: float(rule["expr"].split(" ")[0])
    for rule in rules()
    if rule.get("record") == "jobqueue:threshold:default"
}


def online() -> float:
    """For how long a worker is online without another heartbeat."""
    queries = (ROOT / "jobqueue/engines/ascent/queries.sql").read_text()
    [limit] = re.findall(r"last_seen_at > now\(\) - %\(lag\)s::interval - interval '(\d+) seconds'", queries)
    return float(limit)


def waits(alert: str) -> float:
    """How long an alert waits before it fires, the longest of its severities."""
    return max(seconds(rule.get("for", "0s")) for rule in rules() if rule.get("alert") == alert)


def test_a_job_is_active_too_long_when_the_janitor_has_had_its_chance() -> None:
    """One that was just too young in a round is failed in the next; an alert before that would be for nothing."""
    assert DEFAULT["active_seconds"] >= FAILS_ACTIVE + ROUND


def test_a_worker_is_stuck_when_its_job_could_have_been_failed_already() -> None:
    """The alert is about a worker that goes on although the janitor has failed its job."""
    assert DEFAULT["worker_run_seconds"] > FAILS_ACTIVE


def test_a_worker_is_told_as_offline_before_its_row_is_taken_away() -> None:
    """The janitor takes the row away, and without it there is no series to tell anything."""
    assert DEFAULT["worker_offline_seconds"] + POLL + SCRAPE + waits("JobQueueWorkerOffline") < REAPS


def test_a_worker_is_told_as_offline_only_when_the_exporter_has_seen_it_offline() -> None:
    """The alert needs both; below the limit of being online the threshold would say nothing."""
    assert DEFAULT["worker_offline_seconds"] > online() + POLL


def test_work_waits_for_workers_longer_than_they_count_as_online() -> None:
    """Before that nobody can know that they are gone, and a worker that has just come must have been seen."""
    assert DEFAULT["no_workers_seconds"] > online() + POLL


def test_figures_are_old_only_when_the_rarest_read_is_overdue() -> None:
    """A read that costs much is made so rare, and its figures may be as old as that and two scrapes."""
    assert DEFAULT["data_age_seconds"] > SLOWEST_SECONDS + POLL + 2 * SCRAPE


@pytest.mark.parametrize("threshold", ["ready_age_warning_seconds", "ready_age_critical_seconds", "stalled_seconds"])
def test_jobs_that_wait_are_told_before_the_janitor_cancels_them(threshold: str) -> None:
    """A job that is cancelled waits no longer, and its age is gone with it."""
    wait = max(waits("JobQueueReadyAgeHigh"), waits("JobQueueStalled"))

    assert DEFAULT[threshold] + wait + POLL + SCRAPE < CANCELS_PENDING


def test_a_tick_has_had_its_time_when_the_janitor_would_cancel_its_job() -> None:
    """Until then the job may still wait for a worker, and is not without a success."""
    assert DEFAULT["success_age_seconds"] >= CANCELS_PENDING


def test_a_janitor_may_miss_a_round() -> None:
    """One that fails once, or is late because of a restart, is no news."""
    assert DEFAULT["janitor_rounds"] >= 2


@pytest.mark.parametrize(
    ("less", "more"),
    [("ready_age_warning_seconds", "ready_age_critical_seconds"), ("missed_ticks_warning", "missed_ticks_critical")],
)
def test_a_warning_comes_before_what_is_critical(less: str, more: str) -> None:
    """Otherwise somebody is woken by what nobody was warned of."""
    assert DEFAULT[less] < DEFAULT[more]


def test_alerts_outlive_a_read_that_fails() -> None:
    """Its series are gone until the next read, and that is seen by the scrape after it."""
    kept = {seconds(rule["keep_firing_for"]) for rule in rules() if "keep_firing_for" in rule}

    assert min(kept) > 2 * (POLL + SCRAPE)

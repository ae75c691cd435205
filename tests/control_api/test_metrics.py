"""What /metrics says of the control API: names that are a contract, zeros at the start, counts of what was done."""

from datetime import timedelta

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from psycopg import AsyncConnection

from control_api.actions import Action, step_names
from jobqueue.catalogue import CONTROL_METRICS
from jobqueue.config import Janitor
from jobqueue.engine import Cleanup
from tests.control_api.service import Service, serving
from tests.control_api.test_desk import pile, queue
from tests.exporter.promtool import complaints
from tests.waiting import until_found

__all__ = ["queue"]
BY_ITSELF = Janitor(every=timedelta(minutes=15))
TEXT = {"Accept": "text/plain"}
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


async def scrape(served: Service) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = await (await served.get("/metrics", TEXT)).text()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse_text(text)
        for sample in family.samples
    }


def actions(action: str, outcome: str, source: str = "main") -> tuple[str, frozenset[tuple[str, str]]]:
    labels = {"source": source, "action": action, "outcome": outcome}
    return "jobqueue_control_actions_total", frozenset(labels.items())


def running(action: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return "jobqueue_control_actions_running", frozenset({"source": "main", "action": action}.items())


def removed(step: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return "jobqueue_control_janitor_removed_total", frozenset({"source": "main", "step": step}.items())


async def test_both_formats_can_be_read_and_promtool_has_nothing_to_say(migrated: str, queue: AsyncConnection) -> None:
    async with serving({"main": migrated}, janitor=BY_ITSELF) as served:
        await served.post("/control/main/janitor", data={"request_id": "r"})
        text = await served.get("/metrics", TEXT)
        openmetrics = await served.get("/metrics", OPENMETRICS)
        page = await text.text()
        names = {family.name for family in parse_openmetrics(await openmetrics.text())}  # type: ignore[no-untyped-call]

    assert text.content_type == "text/plain"
    assert openmetrics.content_type == "application/openmetrics-text"
    assert complaints(page) == ""
    assert names == {metric.name.removesuffix("_total") for metric in CONTROL_METRICS}


async def test_its_families_have_the_catalogues_names_kinds_words_and_labels(
    migrated: str, queue: AsyncConnection
) -> None:
    async with serving({"main": migrated}, janitor=BY_ITSELF) as served:
        await served.post("/control/main/janitor", data={"request_id": "r"})
        text = await (await served.get("/metrics", TEXT)).text()

    found = {family.name: family for family in parse_text(text)}
    for metric in CONTROL_METRICS:
        family = found.pop(metric.name.removesuffix("_total"))
        assert (family.type, family.documentation) == (str(metric.kind), metric.help)
        assert all(set(sample.labels) == set(metric.all_labels) for sample in family.samples)
    assert found == {}


async def test_before_anything_was_done_everything_stands_at_zero_and_the_janitors_last_run_is_absent(
    migrated: str,
) -> None:
    async with serving({"main": migrated}) as served:
        found = await scrape(served)

    outcomes = ("done", "failed", "interrupted", "refused")
    assert {actions(action, outcome) for action in Action for outcome in outcomes} <= found.keys()
    for name in ("actions_total", "actions_running", "janitor_removed_total"):
        assert {value for (family, _), value in found.items() if family == f"jobqueue_control_{name}"} == {0.0}
    assert {running(action) for action in Action} <= found.keys()
    assert {removed(step) for step in step_names(Action.JANITOR, tuple(Cleanup))} <= found.keys()
    assert not [name for name, _ in found if "janitor_last" in name or "janitor_interval" in name]


async def test_an_action_at_work_is_counted_until_it_ends(
    migrated: str, queue: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control_api.desk.ANSWER_WITHIN", 0.05)
    await pile(queue, 400)
    async with serving({"main": migrated}, batch=5) as served:
        assert (await served.post("/control/main/cancel-pending", data={"request_id": "r"})).status == 202
        at_work = await scrape(served)

        async def ended() -> bool:
            return (await scrape(served))[running("cancel-pending")] == 0

        await until_found(ended)

    assert (at_work[running("cancel-pending")], at_work[running("janitor")]) == (1, 0)


async def test_what_was_done_and_refused_is_counted(migrated: str, queue: AsyncConnection) -> None:
    await queue.execute(
        "INSERT INTO ascent.jobs (job_type, state, finished_at)"
        " SELECT 'x', 'completed', now() - interval '2 h' FROM generate_series(1, 3)"
    )
    async with serving({"main": migrated}) as served:
        await served.post("/control/main/run", data={"request_id": "1", "job_type": "mail"})
        await served.post("/control/main/run", data={"request_id": "1", "job_type": "mail"})
        await served.post("/control/main/janitor", data={"request_id": "2"})
        await served.post("/control/main/fail-active", {"Sec-Fetch-Site": "cross-site"}, data={"request_id": "3"})
        await served.get("/control/nobody", {"Authorization": "Bearer wrong"})
        found = await scrape(served)

    assert found[actions("run", "done")] == 1
    assert found[actions("janitor", "done")] == 1
    assert found[actions("fail-active", "refused")] == 1
    assert found[actions("none", "refused", "none")] == 1
    assert found[removed("delete_completed")] == 3
    last_run = "jobqueue_control_janitor_last_run_timestamp_seconds", frozenset({("source", "main")})
    row = await (await queue.execute("SELECT extract(epoch FROM now())::float8")).fetchone()
    assert row
    assert found[last_run] == pytest.approx(row[0], abs=30)


async def test_it_is_open_to_all_and_a_database_that_is_away_takes_little_of_it(migrated: str) -> None:
    async with serving({"main": migrated, "away": "postgresql://nobody@127.0.0.1:1/none"}, auth=("token",)) as served:
        found = await scrape(served)

    assert actions("run", "done", "away") in found

"""What an engine lacks is said, and nothing is shown in its place: no zero, no button."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from psycopg import AsyncConnection
from pydantic import SecretStr

from control_api.actions import Action
from control_api.audit import Request
from control_api.desk import Desk
from control_api.problems import NotFound, NotPossible
from control_api.sources import ControlledSource
from jobqueue import catalogue as metrics
from jobqueue.config import ConfiguredSchedule, Janitor, Source
from jobqueue.engine import Capability, Engine
from jobqueue.engines import ENGINES, Registered
from jobqueue.engines.reader import SqlReader, queries
from jobqueue.states import JobState
from tests.conftest import Server
from tests.control_api.service import HTML, JSON, serving
from tests.engines.drivers import pgboss
from tests.exporter.rows import populate
from tests.exporter.scrape import Exporter, Scrape, source

REASON = "nobody ever wrote it down"

ABSENT: Mapping[Capability, tuple[metrics.Metric | str, ...]] = {
    Capability.COMPLETIONS: (metrics.RUNS, metrics.RUN_FAILURES, metrics.DAY_RUNS, metrics.LAST_RUN),
    Capability.WAITS: (metrics.RUN_WAIT.name + "_count",),
    Capability.RETRIES: (metrics.RUN_RETRIES,),
    Capability.TICKS: (metrics.SCHEDULE_MISSED, metrics.SCHEDULE_LAST_ENQUEUED),
}
ACTIONS = {
    Capability.RUN_NOW: "run",
    Capability.FAIL_ACTIVE: "fail-active",
    Capability.CANCEL_PENDING: "cancel-pending",
    Capability.JANITOR: "janitor",
}


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Takes a capability, or all states but these, from the Ascent engine."""

    def take(*capabilities: Capability, states: frozenset[JobState] = frozenset(JobState)) -> None:
        lacks = dict.fromkeys(capabilities, REASON)

        def poorer(schema: str) -> Engine:
            reader = SqlReader(queries("jobqueue.engines.ascent", schema), lacks)
            return replace(original.open(schema), reader=reader, lacks=lacks, states=states)

        assert isinstance(ENGINES, dict)
        monkeypatch.setitem(ENGINES, "ascent", Registered("ascent", poorer))

    original = ENGINES["ascent"]
    return take


async def page_of(address: str) -> Scrape:
    exporter = Exporter(source(address))
    try:
        return await exporter.poll()
    finally:
        await exporter.close()


@pytest.mark.parametrize("capability", ABSENT)
async def test_series_of_what_an_engine_lacks_are_absent_not_zero(
    migrated: str, lacking: Callable[..., None], capability: Capability
) -> None:
    async with await AsyncConnection.connect(migrated, autocommit=True) as queue:
        await populate(queue)
    everything = await page_of(migrated)
    lacking(capability)

    page = await page_of(migrated)

    for metric in ABSENT[capability]:
        assert everything.select(metric)
        assert page.select(metric) == []
    capabilities = page.by("capability", metrics.SOURCE_CAPABILITY)
    assert capabilities == {each: float(each is not capability) for each in Capability}
    assert set(page.by("collector", metrics.COLLECTOR_SUCCESS).values()) == {1.0}


async def test_a_state_that_an_engine_does_not_know_has_no_count(migrated: str, lacking: Callable[..., None]) -> None:
    async with await AsyncConnection.connect(migrated, autocommit=True) as queue:
        await populate(queue)
    known = frozenset(JobState) - {JobState.RETRY, JobState.COMPLETED}
    lacking(states=known)

    page = await page_of(migrated)

    assert {labels["state"] for labels, _ in page.select(metrics.JOBS)} == known


@pytest.mark.parametrize("capability", ACTIONS)
async def test_an_action_that_an_engine_lacks_is_refused_with_the_reason_and_has_no_button(
    migrated: str, lacking: Callable[..., None], capability: Capability
) -> None:
    action = ACTIONS[capability]
    lacking(capability)
    async with serving({"main": migrated}, janitor=Janitor(every=timedelta(minutes=15))) as service:
        asked = await service.get(f"/control/main/{action}?job_type=x")
        ordered = await service.post(f"/control/main/{action}", json={"request_id": "1", "job_type": "x"})
        as_page = await service.get(f"/control/main/{action}?job_type=x", HTML)
        index = await service.page("/control/")
        document = await (await service.get("/control/", JSON)).json()
        served = await (await service.get("/metrics")).text()

        for answer in (asked, ordered):
            problem = await answer.json()
            assert (answer.status, problem["type"]) == (409, "urn:problem-type:not-possible")
            assert problem["detail"].endswith(f"isn't possible with ascent: {REASON}")
        assert as_page.status == 409
        assert f"/control/main/{action}" not in index.addresses
        assert action not in [each["action"] for each in document["sources"][0]["actions"]]
        assert f'jobqueue_control_action_info{{action="{action}"' not in served
        assert ("jobqueue_control_janitor_interval_seconds{" in served) == (action != "janitor")
        others = [other for other in ACTIONS.values() if other not in (action, "run")]
        assert all(f"/control/main/{other}" in index.addresses for other in others)


async def test_a_schedule_in_code_without_a_tick_is_shown_and_cannot_be_run_yet(
    server: Server, template_of: Callable[[str], str]
) -> None:
    address = server.url(server.create_database(template_of("procrastinate")))
    configured = (ConfiguredSchedule("report", "0 6 * * *", description="Writes"),)
    exporter = Exporter(source(address, engine="procrastinate", schedules=configured))
    page = await exporter.poll()
    await exporter.close()
    queue = Source(name="main", dsn=SecretStr(address), engine="procrastinate", schedules=configured)
    desk = Desk([ControlledSource.open(queue, read_only=False)], Janitor(), batch=10)
    await desk.open()
    try:
        asked = await desk.ask("main", Action.RUN, "report")
        with pytest.raises(NotPossible, match="no tick of it"):
            await desk.act(Request("main", Action.RUN, "token:ci", "1", "report"))
        with pytest.raises(NotFound, match="not a recurring job"):
            await desk.act(Request("main", Action.RUN, "token:ci", "2", "other"))
    finally:
        await desk.close()

    assert page.value(metrics.SCHEDULE_INFO, job_type="report", description="Writes") == 1
    assert page.value(metrics.SOURCE_CAPABILITY, capability="schedules") == 0
    assert asked.schedule is not None


@pytest.fixture
def old_pgboss(server: Server) -> Iterator[str]:
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


async def test_a_version_of_pgboss_without_instances_is_recognised(old_pgboss: str) -> None:
    await pgboss.install(old_pgboss, "pg-boss-12.31")
    with psycopg.connect(old_pgboss, autocommit=True) as conn:
        conn.execute("SELECT pgboss.create_queue('x', '{\"policy\": \"standard\"}')")
        conn.execute("INSERT INTO pgboss.job (name) VALUES ('x')")

    exporter = Exporter(source(old_pgboss, engine="pgboss"))
    page = await exporter.poll()
    await exporter.close()

    assert page.value(metrics.SOURCE_CAPABILITY, capability="heartbeats") == 0
    assert page.value(metrics.JOBS, job_type="x", state="pending") == 1
    [(labels, _)] = page.select(metrics.SOURCE_INFO)
    assert labels["engine_version"].startswith("schema ")
    assert page.select(metrics.WORKER_ONLINE) == []

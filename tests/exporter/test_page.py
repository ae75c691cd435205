"""What /metrics says: families that are a contract, zeros where counts are known, nothing where there is no value."""

import gzip
import math
from pathlib import Path

import pytest
from aiohttp import hdrs
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families as parse_text
from psycopg import AsyncConnection

from exporter.collectors.runs import RunsCollector
from exporter.exposition import Exposition
from exporter.page import Page
from exporter.web import create_app
from jobqueue import catalogue as metrics
from jobqueue.bounds import OTHER
from jobqueue.catalogue import METRICS, Kind
from jobqueue.config import ConfiguredSchedule
from jobqueue.states import JobState
from tests.conftest import Server
from tests.exporter.promtool import complaints
from tests.exporter.rows import ago, finish, job, populate, put
from tests.exporter.scrape import OPENMETRICS, Exporter, Watch, source

FAMILIES = Path(__file__).with_name("families.txt")
STATES = sorted(state.value for state in JobState)
COUNTERS = (metrics.RUNS, metrics.RUN_FAILURES, metrics.RUN_RETRIES, metrics.CANCELLED)
WITHOUT_RUNS_ABSENT = (
    metrics.LAST_RUN,
    metrics.LAST_SUCCESS,
    metrics.DAY_SUCCESS_RATIO,
    metrics.DAY_P50,
    metrics.DAY_P95,
    metrics.DAY_MAX,
)
ONLY_IN_TROUBLE = (metrics.COLLECTOR_FAILING, metrics.UNREADABLE, metrics.UNREADABLE_SINCE)
OF_A_STANDBY = (metrics.REPLAY_LAG,)
SINCE_A_TICK = (metrics.SCHEDULE_UNSUCCESSFUL_SINCE.name, metrics.SCHEDULE_UNSUCCESSFUL_SINCE.kind)
"""There or not, as a minute has begun since the newest success or hasn't."""
NOWHERE = "postgresql://postgres@127.0.0.1:1/nowhere"


def test_the_names_types_and_labels_are_those_that_others_rely_on() -> None:
    families = [f"{metric.name} {metric.kind} {','.join(metric.all_labels)}" for metric in METRICS]

    assert families == FAMILIES.read_text().splitlines()


async def test_a_populated_queue_has_every_family_with_exactly_its_labels(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    await populate(queue)

    page = await watch(source(migrated)).poll(rounds=2)

    found = {
        (family.name + ("_total" if family.type == Kind.COUNTER else ""), family.type): {
            frozenset(sample.labels) - {"le"} for sample in family.samples
        }
        for family in page.families.values()
    }
    shown = [metric for metric in METRICS if metric not in (*ONLY_IN_TROUBLE, *OF_A_STANDBY)]
    expected = {(metric.name, metric.kind): {frozenset(metric.all_labels)} for metric in shown}
    found.setdefault(SINCE_A_TICK, expected[SINCE_A_TICK])
    assert found == expected
    assert not any(map(math.isnan, page.series.values()))


async def test_the_text_format_says_the_same_and_promtool_has_nothing_to_say(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    await populate(queue)
    await finish(queue, [job('say "hello"\n日次\\')])
    exporter = watch(source(migrated))
    page = await exporter.poll()

    text = await exporter.text(accept="text/plain")

    samples = [sample for family in parse_text(text) for sample in family.samples]
    assert {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples} == page.series
    assert complaints(text) == ""


async def test_counts_are_zero_for_every_known_job_type(queue: AsyncConnection, migrated: str, watch: Watch) -> None:
    await put(queue, "schedules", job_type="from.schedule", cron="@daily")
    await put(queue, "jobs", job_type="from.live")
    await finish(queue, [job("from.day")])
    known = ["from.day", "from.live", "from.schedule"]

    page = await watch(source(migrated)).poll(rounds=2)

    for job_type in known:
        expected = dict.fromkeys(STATES, 0.0)
        expected |= {"from.live": {"pending": 1.0}, "from.day": {"completed": 1.0}}.get(job_type, {})
        assert page.by("state", metrics.JOBS, job_type=job_type) == expected
    for metric in COUNTERS:  # they begin with the process: what finished before is history
        assert page.by("job_type", metric) == dict.fromkeys(known, 0)
    for histogram in (metrics.RUN_DURATION, metrics.RUN_WAIT):
        for suffix in ("_count", "_sum"):
            assert page.by("job_type", histogram.name + suffix) == dict.fromkeys(known, 0)
        assert len(page.select(histogram.name + "_bucket", job_type="from.live")) == len(metrics.BUCKETS) + 1
    assert page.by("job_type", metrics.DAY_RUNS) == {"from.day": 1, "from.live": 0, "from.schedule": 0}
    assert page.by("job_type", metrics.DAY_FAILURES) == dict.fromkeys(known, 0)


async def test_schedule_counts_are_there_whatever_the_schedule(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    await put(queue, "schedules", job_type="enabled", cron="@daily")
    await put(queue, "schedules", job_type="disabled", cron="@daily", enabled=False)
    await put(queue, "schedules", job_type="unparsable", cron="nonsense")

    page = await watch(source(migrated)).poll()

    assert page.by("job_type", metrics.SCHEDULE_ENABLED) == {"enabled": 1, "disabled": 0, "unparsable": 1}
    assert page.by("job_type", metrics.SCHEDULE_VALID) == {"enabled": 1, "disabled": 1, "unparsable": 0}
    assert page.by("job_type", metrics.SCHEDULE_MISSED) == {"enabled": 0, "disabled": 0, "unparsable": 0}
    assert page.by("job_type", metrics.SCHEDULE_NEXT).keys() == {"enabled"}
    assert page.by("job_type", metrics.SCHEDULE_EXPECTED).keys() == {"enabled"}
    assert page.by("job_type", metrics.SCHEDULE_LAST_ENQUEUED) == {}
    assert page.value(metrics.SCHEDULE_INFO, job_type="unparsable", schedule="Can't be parsed", cron="nonsense") == 1


async def test_a_worker_has_every_gauge_and_counter_and_a_current_run_only_while_it_runs_one(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    started = ago(100)
    await put(queue, "workers", id="idle", mode="worker")
    await put(queue, "workers", id="busy", mode="all", current_job_type="email.send", current_started_at=started)
    await put(queue, "workers", id="gone", mode="server", last_seen_at=ago(61), processed=7, failed=2)

    page = await watch(source(migrated)).poll()

    assert page.by("worker", metrics.WORKER_ONLINE) == {"idle": 1, "busy": 1, "gone": 0}
    assert page.by("worker", metrics.WORKER_PROCESSED) == {"idle": 0, "busy": 0, "gone": 7}
    assert page.by("worker", metrics.WORKER_FAILED) == {"idle": 0, "busy": 0, "gone": 2}
    for metric in (metrics.WORKER_START, metrics.WORKER_LAST_SEEN, metrics.WORKER_INFO):
        assert page.by("worker", metric).keys() == {"idle", "busy", "gone"}
    assert page.by("worker", metrics.WORKER_CURRENT_START, job_type="email.send") == {"busy": started.timestamp()}


async def test_what_has_no_value_is_absent(queue: AsyncConnection, migrated: str, watch: Watch) -> None:
    await put(queue, "jobs", job_type="only.scheduled", run_after=ago(-600))
    await put(queue, "jobs", job_type="only.retried", state="retry", run_after=ago(-600))
    await finish(queue, [job("has.run", finished=600), job("only.cancelled", "cancelled")])
    await put(queue, "jobs", job_type="only.failed", state="failed", finished_at=ago(5))  # never started

    page = await watch(source(migrated)).poll()

    for metric in (metrics.OLDEST_READY, metrics.OLDEST_ACTIVE):
        assert page.select(metric) == []
    for metric in WITHOUT_RUNS_ABSENT:
        assert page.by("job_type", metric).keys() <= {"only.failed", "has.run"}
    assert page.value(metrics.DAY_SUCCESS_RATIO, job_type="only.failed") == 0
    for metric in (metrics.LAST_SUCCESS, metrics.DAY_P50, metrics.DAY_P95, metrics.DAY_MAX):
        assert page.select(metric, job_type="only.failed") == []


async def test_ages_are_shown_as_the_moments_at_which_they_began(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    due, started, ended = ago(50), ago(70), ago(30)
    await put(queue, "jobs", job_type="email.send", created_at=ago(500), run_after=due)
    await put(queue, "jobs", job_type="email.send", created_at=ago(40), run_after=ago(40))
    await put(queue, "jobs", job_type="email.send", state="active", started_at=started)
    await put(queue, "jobs", job_type="email.send", state="failed", started_at=started, finished_at=ended)
    await finish(queue, [job("email.send", duration=3, finished=60)])

    page = await watch(source(migrated)).poll()

    assert page.value(metrics.OLDEST_ACTIVE, job_type="email.send") == started.timestamp()
    assert page.value(metrics.LAST_RUN, job_type="email.send") == ended.timestamp()
    assert page.value(metrics.DAY_MAX, job_type="email.send") == (ended - started).total_seconds()
    assert page.value(metrics.OLDEST_READY, job_type="email.send") == due.timestamp()


async def test_two_sources_share_families_and_nothing_else(
    server: Server, migrated_template: str, migrated: str, queue: AsyncConnection, watch: Watch
) -> None:
    other = server.create_database(migrated_template)
    await put(queue, "jobs", job_type="here")
    async with await AsyncConnection.connect(server.url(other), autocommit=True) as conn:
        await put(conn, "jobs", job_type="there")

    exporter = watch(source(migrated, "one"), source(server.url(other), "two"))
    page = await exporter.poll()

    assert page.by("source", metrics.UP) == {"one": 1, "two": 1}
    assert page.by("job_type", metrics.JOBS, state="pending", source="one") == {"here": 1}
    assert page.by("job_type", metrics.JOBS, state="pending", source="two") == {"there": 1}
    assert (await exporter.text()).count("# TYPE jobqueue_jobs gauge\n") == 1
    await exporter.close()
    server.drop_database(other)


async def test_a_source_that_is_down_takes_nothing_from_the_one_that_is_up(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    await populate(queue)
    alone = await watch(source(migrated, "up")).poll(rounds=2)

    page = await watch(source(NOWHERE, "down"), source(migrated, "up")).poll(rounds=2)

    assert page.by("source", metrics.UP) == {"up": 1, "down": 0}
    assert set(page.by("collector", metrics.COLLECTOR_SUCCESS, source="up").values()) == {1}
    collectors = page.by("collector", metrics.COLLECTOR_SUCCESS, source="down")
    assert {name for name, success in collectors.items() if success} <= {"store"}
    of_up = {key for key in page.series if ("source", "up") in key[1]}
    assert of_up == alone.series.keys()
    of_down = {name for name, labels in page.series if ("source", "down") in labels}
    assert of_down <= {metric.name for metric in METRICS[: METRICS.index(metrics.FOLDED)]}


async def test_the_page_is_compressed_for_those_who_ask_and_plain_for_the_others(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    await populate(queue)
    exporter = watch(source(migrated))
    await exporter.poll()
    app = create_app(Page(Exposition(exporter.monitors)), exporter.monitors)

    async with TestClient(TestServer(app), auto_decompress=False) as client:
        plain = await client.get("/metrics", headers={hdrs.ACCEPT: OPENMETRICS, hdrs.ACCEPT_ENCODING: "identity"})
        small = await client.get("/metrics", headers={hdrs.ACCEPT: OPENMETRICS, hdrs.ACCEPT_ENCODING: "gzip"})
        text = await client.get("/metrics", headers={hdrs.ACCEPT: "*/*", hdrs.ACCEPT_ENCODING: "identity"})
        plain_body, small_body = await plain.read(), await small.read()

    assert hdrs.CONTENT_ENCODING not in plain.headers
    assert small.headers[hdrs.CONTENT_ENCODING] == "gzip"
    assert gzip.decompress(small_body) == plain_body
    assert len(small_body) < len(plain_body) / 4
    assert plain_body.endswith(b"# EOF\n")
    assert [response.headers[hdrs.CONTENT_TYPE].split(";")[0] for response in (plain, small, text)] == [
        "application/openmetrics-text",
        "application/openmetrics-text",
        "text/plain",
    ]
    assert all(response.headers[hdrs.VARY] == "Accept, Accept-Encoding" for response in (plain, small, text))


async def test_job_types_beyond_the_limit_share_one_label_and_none_is_lost(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    exporter = watch(source(migrated, job_type_limit=2))
    await put(queue, "schedules", job_type="first", cron="@daily")
    await put(queue, "jobs", job_type="second", state="active", started_at=ago(10))
    await exporter.poll()
    oldest = ago(90)
    for job_type, since in (("third", oldest), ("fourth", ago(80))):
        await put(queue, "jobs", job_type=job_type, run_after=since, created_at=since)
        await put(queue, "schedules", job_type=job_type, cron="@daily")
    await finish(queue, [job("third"), job("fourth", "failed"), job("fifth"), job("second")])

    page = await exporter.poll(rounds=2)

    assert page.by("kind", metrics.FOLDED) == {"job_types": 3, "schedules": 2, "workers": 0}
    assert page.by("job_type", metrics.JOBS, state="pending") == {"first": 0, "second": 0, OTHER: 2}
    assert page.by("job_type", metrics.JOBS, state="completed") == {"first": 0, "second": 1, OTHER: 2}
    assert page.by("job_type", metrics.RUNS) == {"first": 0, "second": 1, OTHER: 3}
    assert page.value(metrics.RUN_FAILURES, job_type=OTHER) == 1
    assert page.value(metrics.DAY_RUNS, job_type=OTHER) == 3
    assert page.value(metrics.DAY_MAX, job_type=OTHER) == 1
    assert page.by("job_type", metrics.OLDEST_READY) == {OTHER: oldest.timestamp()}
    assert page.by("job_type", metrics.SCHEDULE_INFO) == {"first": 1}


async def test_counters_never_go_down_and_keep_their_label(queue: AsyncConnection, migrated: str, watch: Watch) -> None:
    exporter = watch(source(migrated, job_type_limit=3))
    await put(queue, "workers", id="w1", mode="all")
    before = (await exporter.poll()).counters()

    for number in range(6):
        if number == 3:  # a read that fails takes the series away, and they come back as they were
            await queue.execute("ALTER TABLE ascent.jobs RENAME TO elsewhere")
            assert (await exporter.poll()).select(metrics.RUNS) == []
            await queue.execute("ALTER TABLE ascent.elsewhere RENAME TO jobs")
        await finish(queue, [job(f"type.{number}"), job(f"type.{number % 3}", "failed", retries=2)])
        after = (await exporter.poll()).counters()

        assert before.keys() <= after.keys()
        assert all(after[series] >= value for series, value in before.items())
        before = after

    runs = {dict(labels)["job_type"]: value for (name, labels), value in before.items() if name == metrics.RUNS.name}
    assert runs == {"type.0": 3, "type.1": 3, "type.2": 3, OTHER: 3}


async def test_a_schedule_that_stands_in_the_queue_and_in_the_file_is_shown_once(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    await put(queue, "schedules", job_type="both", cron="@daily", last_enqueued_at=ago(5))
    configured = (ConfiguredSchedule("both", "@hourly"), ConfiguredSchedule("file", "@hourly"))

    page = await watch(source(migrated, schedules=configured)).poll()

    assert page.by("job_type", metrics.SCHEDULE_INFO, cron="@daily").keys() == {"both"}
    assert page.by("job_type", metrics.SCHEDULE_INFO, cron="@hourly").keys() == {"file"}


async def test_a_page_is_written_before_anything_is_read(migrated: str, watch: Watch) -> None:
    exporter: Exporter = watch(source(migrated))

    page = await exporter.scrape()

    assert page.value(metrics.UP) == 0
    assert set(page.by("collector", metrics.COLLECTOR_SUCCESS).values()) == {0}
    assert page.select(metrics.COLLECTOR_LAST_SUCCESS) == []


async def test_a_read_takes_as_long_as_the_clock_says_and_no_read_takes_no_time(
    queue: AsyncConnection, migrated: str, watch: Watch
) -> None:
    exporter = watch(source(migrated, statement_timeout=0.3))
    quick = await exporter.poll(rounds=2)
    async with queue.transaction():
        await queue.execute("LOCK TABLE ascent.workers IN ACCESS EXCLUSIVE MODE")
        slow = await exporter.poll()

    assert min(quick.by("collector", metrics.COLLECTOR_DURATION).values()) > 0
    assert (
        slow.by("collector", metrics.COLLECTOR_DURATION)["workers"] >= 0.15
    )  # half of a statement's time is for a lock


async def test_a_new_job_types_counters_stand_at_zero_for_a_scrape_and_its_figures_dont(
    queue: AsyncConnection, migrated: str, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("exporter.collectors.runs.monotonic", lambda: clock[-1])
    exporter = watch(source(migrated, scrape_interval=60))
    await exporter.poll()
    await finish(queue, [job("fresh", state="failed") for _ in range(30)])
    shown = []
    for moment in (1.0, 60.9, 61.0):
        clock.append(moment)
        page = await exporter.poll()
        shown.append([page.value(metric, job_type="fresh") for metric in (metrics.RUN_FAILURES, metrics.DAY_FAILURES)])

    assert shown == [[0, 30], [0, 30], [30, 30]]


async def test_a_type_that_gave_up_its_label_begins_at_zero_when_it_comes_back(
    queue: AsyncConnection, migrated: str, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("exporter.collectors.runs.monotonic", lambda: clock[-1])
    exporter = watch(source(migrated, scrape_interval=60))
    await exporter.poll()
    await finish(queue, [job("leaver") for _ in range(3)])
    await exporter.poll()
    clock.append(100.0)
    assert (await exporter.poll()).value(metrics.RUNS, job_type="leaver") == 3

    [runs] = [each.collector for each in exporter.monitors[0].pollers if isinstance(each.collector, RunsCollector)]
    runs.forget("leaver")
    await finish(queue, [job("leaver")])
    shown = []
    for moment in (101.0, 162.0):
        clock.append(moment)
        shown.append((await exporter.poll()).value(metrics.RUNS, job_type="leaver"))

    assert shown == [0, 1]

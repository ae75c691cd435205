"""``python -m exporter --check``: it says what is wrong, and what it says mends it."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from psycopg import AsyncConnection

from jobqueue.check.finding import MIGRATE
from tests.conftest import Server
from tests.exporter.process import run
from tests.exporter.rows import finish, job, populate, put
from tests.standby import replicated
from tests.waiting import until

NOWHERE = "postgresql://postgres@127.0.0.1:1/nowhere"
WELL: tuple[int, list[str], list[str]] = (0, ["main: ok"], [])
INVALID = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ascent.{index}'::regclass"


@pytest.fixture
def elsewhere(server: Server, migrated_template: str) -> Iterator[str]:
    """The address of a second database with our tables."""
    name = server.create_database(migrated_template)
    yield server.url(name)
    server.drop_database(name)


async def checked(address: str, **variables: str) -> tuple[int, list[str], list[str]]:
    """The exit code, what is said, and what is said to mend it."""
    ended = await run("--check", DATABASE_URL=address, **variables)
    assert ended.errors == ""
    lines = ended.output.splitlines()
    mend = "\n".join(line.strip() for line in lines if line.startswith("    "))
    commands = re.findall(rf"\s*({MIGRATE}|[^;]+;)", mend)
    return ended.code, [line for line in lines if not line.startswith("    ")], commands


async def mend(owner: AsyncConnection, address: str, commands: list[str]) -> None:
    """Do what was said, to the letter."""
    for command in commands:
        if command == MIGRATE:
            assert (await run("migrate", module="jobqueue", DATABASE_URL=address)).code == 0
        else:
            await owner.execute(command.encode())


async def test_check_finds_nothing_where_all_is_well(role: str, queue: AsyncConnection) -> None:
    await put(queue, "jobs", job_type="email.send")
    await finish(queue, [job()])

    assert await checked(role) == WELL


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DROP INDEX ascent.jobs_live", "no index on ascent.jobs (state, job_type, run_after)"),
        ("DROP INDEX ascent.jobs_finished", "no index on ascent.jobs (state, finished_at)"),
        (
            """DROP INDEX ascent.jobs_finished;
               CREATE INDEX ON ascent.jobs (state) INCLUDE (finished_at);
               CREATE INDEX ON ascent.jobs (state, lower(job_type), finished_at)""",
            "no index on ascent.jobs (state, finished_at)",
        ),
        (INVALID.format(index="jobs_finished"), "index jobs_finished is invalid"),
        (
            'ALTER INDEX ascent.jobs_live RENAME TO "Live Jobs";' + INVALID.format(index='"Live Jobs"'),
            "index Live Jobs is invalid",
        ),
        ("REVOKE SELECT ON ascent.workers FROM {role}", "can't read workers.id, "),
        ("REVOKE SELECT (retries) ON ascent.jobs FROM {role}", "can't read jobs.retries"),
        ("REVOKE USAGE ON SCHEMA ascent FROM {role}", "can't read jobs.id, "),
        ("REVOKE INSERT ON system_status.run_minutes FROM {role}", "can't write our counting tables"),
        ("REVOKE UPDATE ON system_status.sources FROM {role}", "can't write our counting tables"),
        ("REVOKE ALL ON system_status.migrations FROM {role}", "can't write our counting tables"),
        ("REVOKE USAGE ON SCHEMA system_status FROM {role}", "can't write our counting tables"),
        ("ALTER TABLE ascent.jobs ENABLE ROW LEVEL SECURITY", "row-level security hides rows of ascent.jobs"),
        (
            """ALTER TABLE ascent.workers OWNER TO {role};
               ALTER TABLE ascent.workers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY""",
            "row-level security hides rows of ascent.workers",
        ),
        ("DROP VIEW system_status.recent_jobs", "view system_status.recent_jobs isn't there"),
    ],
)
async def test_check_says_what_is_wrong_and_what_it_says_mends_it(
    queue: AsyncConnection, migrated: str, role: str, damage: str, said: str
) -> None:
    await queue.execute(damage.format(role=urlsplit(role).username).encode())

    code, problems, mends = await checked(role)

    assert code == 1
    assert problems[0] == "main: 1 to mend"
    assert said in problems[1]
    assert len(problems) == 2

    await mend(queue, migrated, mends)
    assert await checked(role) == WELL


async def test_check_says_that_our_tables_are_missing_and_how_they_are_made(
    database: str, conn: AsyncConnection
) -> None:
    code, problems, mends = await checked(database)

    assert code == 1
    assert "schema system_status isn't there" in "\n".join(problems)
    assert set(mends) == {MIGRATE}

    await mend(conn, database, mends)
    assert await checked(database) == WELL


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DROP TABLE ascent.workers CASCADE", "table ascent.workers isn't there"),
        ("ALTER TABLE ascent.jobs RENAME retries TO attempts", "column ascent.jobs.retries isn't there"),
        ("INSERT INTO ascent.schedules (job_type, cron) VALUES ('bad one', '61 * * * *')", "schedule 'bad one': "),
        (
            "INSERT INTO ascent.schedules (job_type, cron, timezone) VALUES ('lost', '@daily', 'Mars')",
            "schedule 'lost': timezone 'Mars'",
        ),
    ],
)
async def test_check_names_what_a_person_has_to_decide(
    queue: AsyncConnection, migrated: str, damage: str, said: str
) -> None:
    await queue.execute(damage.encode())

    code, problems, mends = await checked(migrated)

    assert code == 1
    assert problems[0] == "main: 1 to mend"
    assert said in problems[1]
    assert mends == []


async def test_check_asks_for_the_schema_when_the_tables_stand_in_another(
    queue: AsyncConnection, migrated: str
) -> None:
    await queue.execute("ALTER SCHEMA ascent RENAME TO queue")

    code, problems, _ = await checked(migrated)

    assert code == 1
    assert "Found here: ascent in schema queue [queue-missing]" in problems[1]
    assert (
        await run("migrate", "--moved", "main", module="jobqueue", DATABASE_URL=migrated, QUEUE_SCHEMA="queue")
    ).code == 0
    assert await checked(migrated, QUEUE_SCHEMA="queue") == WELL


async def test_check_asks_for_another_store_on_a_standby(elsewhere: str) -> None:
    with replicated() as pair:
        primary, standby = pair.primary.url("app"), pair.standby.url("app")
        assert (await run("migrate", module="jobqueue", DATABASE_URL=primary)).code == 0
        await until(pair.is_replayed)

        code, problems, mends = await checked(standby)

        assert (code, mends) == (1, [])
        assert problems == [
            "main: 1 to mend",
            "  the database is read-only here: give a writable one as store_dsn [tables-read-only]",
        ]
        forgetting = ("migrate", "--forget", "main")
        variables = {"DATABASE_URL": standby, "STORE_DATABASE_URL": elsewhere}
        assert (await run(*forgetting, module="jobqueue", **variables)).code == 0
        assert await checked(standby, STORE_DATABASE_URL=elsewhere) == WELL


async def test_check_names_every_problem_of_a_database_at_once(
    queue: AsyncConnection, migrated: str, role: str
) -> None:
    await populate(queue)  # one of its schedules can't be parsed
    await queue.execute("DROP INDEX ascent.jobs_live, ascent.jobs_finished")
    await queue.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA system_status FROM {urlsplit(role).username}")

    _, problems, mends = await checked(role)

    assert problems[0] == "main: 4 to mend"
    await mend(queue, migrated, mends)
    _, problems, _ = await checked(role)
    assert problems[0] == "main: 1 to mend"
    assert problems[1].startswith("  schedule 'never.valid': ")


async def test_check_says_why_a_database_cannot_be_reached() -> None:
    code, problems, mends = await checked(NOWHERE)

    assert (code, mends) == (1, [])
    assert problems[0] == "main: 1 to mend"
    assert problems[1].startswith("  queue: connection failed: ")
    assert '"127.0.0.1", port 1' in problems[1]

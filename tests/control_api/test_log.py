"""The log as it is shown: filtered, by pages, of several sources as one."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from control_api.actions import Action
from tests.conftest import Server
from tests.control_api.service import HTML, Service, serving

AWAY = "postgresql://nobody@127.0.0.1:1/none"


def fill(address: str, source: str, entries: int, ago: str = "0 s") -> None:
    """Entries a minute apart that are done, all the janitor's by ci but each third, which is a run by ann."""
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO system_status.admin_actions (at, source, action, actor, request_id, request, job_type) "
            "SELECT now() - %(ago)s::interval - interval '1 minute' * (%(entries)s - n), %(source)s, "
            "CASE n %% 3 WHEN 0 THEN 'run' ELSE 'janitor' END, "
            "CASE n %% 3 WHEN 0 THEN 'grafana:ann' ELSE 'token:ci' END, %(source)s || n, '', "
            "CASE n %% 3 WHEN 0 THEN 'mail' END FROM generate_series(1, %(entries)s) AS n ORDER BY n",
            {"source": source, "entries": entries, "ago": ago},
        )
        conn.execute(
            "INSERT INTO system_status.admin_action_steps (action_id, seq, step) "
            "SELECT id, 1, 'done' FROM system_status.admin_actions"
        )


@pytest.fixture
async def served(server: Server, migrated: str, migrated_template: str) -> AsyncIterator[Service]:
    """Two sources with 70 and 60 entries that lie between each other."""
    second = server.create_database(migrated_template)
    fill(migrated, "main", 70)
    fill(server.url(second), "eu", 60, ago="30 seconds")
    async with serving({"main": migrated, "eu": server.url(second)}) as service:
        yield service
    server.drop_database(second)


async def all_pages(served: Service, path: str) -> list[list[str]]:
    """The names of the entries of each page, from one to the next."""
    pages = []
    following: str | None = path
    while following is not None:
        answer = await served.get(following)
        document = await answer.json()
        pages.append([entry["id"] for entry in document["entries"]])
        following = document["next"]
    return pages


async def test_the_logs_of_two_sources_are_one_page_after_the_other(served: Service) -> None:
    pages = await all_pages(served, "/control/audit")

    names = [name for page in pages for name in page]
    assert [len(page) for page in pages] == [50, 50, 30]
    assert names[:4] == ["main-70", "eu-60", "main-69", "eu-59"]
    assert sorted(names) == sorted([f"main-{n}" for n in range(1, 71)] + [f"eu-{n}" for n in range(1, 61)])


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("source=eu", 60),
        ("action=run", 43),
        ("actor=grafana%3Aann", 43),
        ("source=main&action=janitor&actor=token%3Aci", 47),
        ("actor=nobody", 0),
        ("source=&action=&actor=", 130),
    ],
)
async def test_filters_hold_from_page_to_page(served: Service, query: str, number: int) -> None:
    pages = await all_pages(served, f"/control/audit?{query}")

    assert len({name for page in pages for name in page}) == sum(map(len, pages)) == number


async def test_a_person_goes_on_by_a_button_and_keeps_the_filters(served: Service) -> None:
    first = await served.page("/control/audit?source=main")
    second = await served.page(first.links["Older"])

    assert first.html.count("/control/audit/main-") == 50
    assert second.html.count("/control/audit/main-") == 20
    assert "/control/audit/eu-" not in first.html + second.html
    assert "Older" not in second.links
    assert "<option selected>main</option>" in second.html


@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ("source=us", 404, "there is no source 'us'; there are: main, eu"),
        ("action=vacuum", 422, "there is no action 'vacuum'; there are: run, janitor, fail-active, cancel-pending"),
        ("before=nonsense", 422, "before has to be the id of an entry"),
        ("before=main-99999999999999999999", 422, "before has to be the id of an entry"),
        ("actor=a%00b", 422, "no actor has such a name"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused(served: Service, query: str, status: int, detail: str) -> None:
    answer = await served.get(f"/control/audit?{query}")

    assert answer.status == status
    assert (await answer.json())["detail"].startswith(detail)


@pytest.mark.parametrize("name", ["main-999999", "us-1", "main-0"])
async def test_an_entry_that_is_not_there_is_404(served: Service, name: str) -> None:
    as_data, as_page = await served.get(f"/control/audit/{name}"), await served.get(f"/control/audit/{name}", HTML)

    assert (as_data.status, as_page.status) == (404, 404)
    assert "<h1>Not found</h1>" in await as_page.text()


async def test_an_entry_of_one_source_is_not_found_under_the_name_of_another(served: Service) -> None:
    assert (await served.get("/control/audit/main-61")).status == 200
    assert (await served.get("/control/audit/eu-61")).status == 404


async def test_a_source_that_is_away_takes_nothing_from_the_others(migrated: str) -> None:
    fill(migrated, "main", 3)
    async with serving({"main": migrated, "away": AWAY}) as served:
        answer, page, index = await asyncio.gather(
            served.get("/control/audit"), served.page("/control/audit"), served.page("/control/")
        )
        log = await answer.json()

    assert [entry["id"] for entry in log["entries"]] == ["main-3", "main-2", "main-1"]
    assert log["unread"] == {"away": "the database of source 'away' doesn't answer at the moment"}
    assert "The database of source 'away' doesn't answer at the moment." in page.text
    assert "The database of source 'away' doesn't answer at the moment." in index.text


async def test_the_first_page_shows_every_source_what_can_be_done_and_what_was(served: Service) -> None:
    index = await (await served.get("/control/")).json()
    page = await served.page("/control/")

    assert [source["source"] for source in index["sources"]] == ["main", "eu"]
    for source in index["sources"]:
        assert [action["action"] for action in source["actions"]] == list(Action)
    assert len(index["latest"]) == 20
    assert "Source main" in page.text
    assert "Source eu" in page.text
    assert page.links["The whole log"] == "/control/audit"


async def test_how_long_ago_it_was_is_told_by_the_databases_clock(migrated: str) -> None:
    fill(migrated, "main", 1)
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute("SET allow_system_table_mods = on")
        conn.execute("ALTER FUNCTION pg_catalog.now() RENAME TO true_now")
        conn.execute(
            "CREATE FUNCTION pg_catalog.now() RETURNS timestamptz LANGUAGE sql STABLE"
            " RETURN pg_catalog.true_now() + interval '3 days'"
        )

    async with serving({"main": migrated}) as served:
        for path in ("/control/", "/control/audit", "/control/audit/main-1"):
            assert "3 days ago" in (await served.page(path)).text


async def test_how_many_rows_it_were_is_called_the_same_on_every_page(migrated: str) -> None:
    fill(migrated, "main", 1)
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute("INSERT INTO ascent.jobs (job_type, state, started_at) VALUES ('x', 'active', '2026-01-01')")
    async with serving({"main": migrated}) as served:
        for path in ("/control/", "/control/audit", "/control/audit/main-1", "/control/main/fail-active"):
            assert '<th class="number">Rows' in (await served.page(path)).html

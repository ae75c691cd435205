"""Job types of any name, through pages, forms, paths and JSON: they work, or are refused clearly."""

from collections.abc import AsyncIterator
from urllib.parse import quote, urlencode

import pytest
from psycopg import AsyncConnection

from tests.control_api.service import JSON, Service, serving

NAMES = [
    "it's",
    'say "hi"',
    "acme/jobs.Email",
    "..",
    ".",
    "../../etc/passwd",
    "100%",
    "%2F",
    "%00",
    "%s %(name)s {schema} {{",
    "😀 ☃ ünïcode",
    '";DROP TABLE ascent.jobs; --',
    "two\nlines\r\n",
    "\ttab ",
    "<script>alert(1)</script>",
    "a&b=c#d?e+f;g",
    "back\\slash",
    "\x7f\u202e\ufeff",
    "run",
    "x" * 499,
]
LONG = "x" * 5000


@pytest.fixture
async def queue(migrated: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(migrated, autocommit=True) as conn:
        for name in (*NAMES, LONG):
            await conn.execute("INSERT INTO ascent.schedules (job_type, cron) VALUES (%s, '* * * * *')", [name])
        yield conn


@pytest.fixture
async def served(migrated: str, queue: AsyncConnection) -> AsyncIterator[Service]:
    async with serving({"main": migrated}) as service:
        yield service


async def queued(queue: AsyncConnection) -> list[str]:
    return [row[0] for row in await (await queue.execute("SELECT job_type FROM ascent.jobs ORDER BY id")).fetchall()]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:40])
async def test_each_way_to_name_a_job_runs_that_one(served: Service, queue: AsyncConnection, name: str) -> None:
    index = await served.page("/control/")
    link = index.links[f"Run {name} now"]
    [form] = (await served.page(link)).forms
    by_page = await served.press(form)
    entry = await (await served.get(by_page.headers["Location"])).json()
    by_form = await served.post("/control/main/run", data={"job_type": name, "request_id": "form"})
    by_json = await served.post("/control/main/run", json={"job_type": name, "request_id": "json"})
    by_query = await served.post(f"/control/main/run?{urlencode({'job_type': name})}", data={"request_id": "query"})
    by_path = await served.post(f"/control/main/schedules/{quote(name, safe='')}/run", data={"request_id": "path"})

    assert by_page.status == 303
    assert entry["job_type"] == name
    assert {answer.status for answer in (by_form, by_json, by_query, by_path)} == {200}
    assert await queued(queue) == [name] * 5
    assert "<script>" not in index.html


@pytest.mark.parametrize("length", [500, 5000])
async def test_a_name_that_is_cut_off_on_the_page_is_refused_everywhere(
    served: Service, queue: AsyncConnection, length: int
) -> None:
    name = LONG[:length]
    links = (await served.page("/control/")).links
    [link] = [address for label, address in links.items() if label.startswith(f"Run {LONG[:465]}...")]

    answers = [
        await served.get(link),
        await served.post(link, data={"request_id": "page"}),
        await served.post("/control/main/run", data={"job_type": name, "request_id": "form"}),
        await served.post("/control/main/run", json={"job_type": name, "request_id": "json"}),
        await served.get(f"/control/main/schedules/{name}/run"),
    ]

    assert {answer.status for answer in answers} == {422}
    assert "500 characters or more" in await answers[0].text()
    assert await queued(queue) == []


async def test_a_name_longer_than_any_address_is_refused_as_an_address(served: Service) -> None:
    asked = await served.get(f"/control/main/run?job_type={'x' * 20_000}")

    assert asked.status in (400, 414)


@pytest.mark.parametrize("name", ["a\0b", "\0", "\ud800"], ids=ascii)
async def test_a_name_that_no_database_can_hold_is_not_found(
    served: Service, queue: AsyncConnection, name: str
) -> None:
    by_json = await served.post("/control/main/run", json={"job_type": name, "request_id": "json"})
    answers = [by_json]
    if name.isascii():
        escaped = quote(name, safe="")
        answers += [
            await served.post("/control/main/run", data={"job_type": name, "request_id": "form"}),
            await served.get(f"/control/main/run?job_type={escaped}"),
            await served.get(f"/control/main/schedules/{escaped}/run"),
        ]

    assert {answer.status for answer in answers} == {404}
    assert await queued(queue) == []


@pytest.mark.parametrize("escaped", ["%ff", "%c3%28", "%ed%a0%80"])
async def test_an_address_that_is_not_text_is_400(served: Service, escaped: str) -> None:
    for path in (f"/control/main/schedules/{escaped}/run", f"/control/main/run?job_type={escaped}"):
        answer = await served.get(path)
        assert answer.status in (400, 404), path
        assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("source", ['"main"', "main%00", "ma%2Fin", "%F0%9F%98%80", "%ff", "x" * 5000])
async def test_a_source_of_any_name_that_is_not_there_is_not_found(served: Service, source: str) -> None:
    for path in (f"/control/{source}/janitor", f"/control/audit/{source}-1", f"/control/audit?source={source}"):
        answer = await served.get(path, JSON)
        assert answer.status in (400, 404), path

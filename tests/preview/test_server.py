"""What the preview's server answers to others than its own page."""

import http.client
import json
from typing import Any

import pytest

from tests.preview.demo import Demo

JOBS = "system-status-jobs"


def ask(demo: Demo, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", demo.port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Host": f"127.0.0.1:{demo.port}", "Content-Length": str(len(body or b"")), **named}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def sql(demo: Demo, **question: Any) -> tuple[int, Any]:
    whole = {"dashboard": JOBS, "panel": history_panel(demo), "refId": "A", "variables": {"source": ["main"]}}
    body = json.dumps({**whole, **question}).encode()
    status, text = ask(demo, "POST", "/preview/sql", body, Origin=demo.url)
    return status, json.loads(text)


def history_panel(demo: Demo) -> int:
    _, text = ask(demo, "GET", f"/preview/dashboards/{JOBS}")
    [panel] = [one for one in json.loads(text)["panels"] if any("rawSql" in t for t in one.get("targets", []))]
    return int(panel["id"])


def test_a_panels_own_sql_is_answered_with_times_in_milliseconds(demo: Demo) -> None:
    status, answer = sql(demo)

    types = {column["name"]: column["type"] for column in answer["columns"]}
    assert status == 200
    assert types["Created"] == "time"
    assert types["Retries"] == "number"
    assert len(answer["rows"]) == 50
    assert isinstance(answer["rows"][0][list(types).index("Created")], (int, float))


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ({"sql": "SELECT 1"}, 400),
        ({"rawSql": "SELECT 1"}, 400),
        ({"panel": 999}, 404),
        ({"refId": "Z"}, 404),
        ({"dashboard": "../../etc/passwd"}, 404),
        ({"variables": {}}, 400),
        ({"variables": {"source": ["main"], "other": ["x"]}}, 400),
        ({"variables": {"source": "main"}}, 400),
        ({"variables": {"source": ["x" * 301]}}, 400),
        ({"variables": {"source": ["a\0b"]}}, 400),
        ({"panel": "1"}, 400),
    ],
)
def test_other_sql_unknown_panels_and_bad_variables_are_refused(
    demo: Demo, question: dict[str, Any], status: int
) -> None:
    assert sql(demo, **question)[0] == status


def test_a_variables_value_is_never_sql(demo: Demo) -> None:
    status, answer = sql(demo, variables={"source": ["x') OR true --", "'; DROP TABLE ascent.jobs; --"]})

    assert (status, answer["rows"]) == (200, [])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/prometheus/api/v1/query?query=jobqueue_up", 200),
        ("GET", "/prometheus/api/v1/label/source/values", 200),
        ("DELETE", "/prometheus/api/v1/query", 405),
        ("DELETE", "/prometheus/api/v1/series", 404),
        ("GET", "/prometheus/api/v1/series?match[]=up", 404),
        ("GET", "/prometheus/api/v1/labels", 404),
        ("POST", "/prometheus/api/v1/admin/tsdb/delete_series?match[]=up", 404),
        ("POST", "/prometheus/-/quit", 404),
        ("GET", "/prometheus/api/v1/status/config", 404),
        ("GET", "/prometheus/api/v1/label/..%2F..%2Fstatus%2Fconfig/values", 404),
        ("GET", "/prometheus/api/v1/query/../status/config", 404),
        ("GET", "/assets/../../../pyproject.toml", 404),
        ("GET", "/metrics", 404),
    ],
)
def test_of_prometheus_and_the_disk_only_what_dashboards_read_is_there(
    demo: Demo, method: str, path: str, status: int
) -> None:
    assert ask(demo, method, path, Origin=demo.url)[0] == status


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:3000", ""])
def test_another_name_for_this_machine_is_refused(demo: Demo, host: str) -> None:
    assert ask(demo, "GET", "/", Host=host)[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "none"},
        {"Origin": "http://127.0.0.1:1", "Sec_Fetch_Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/control/main/janitor", "/preview/sql", "/prometheus/api/v1/query"])
def test_another_site_can_do_nothing(demo: Demo, path: str, headers: dict[str, str]) -> None:
    assert ask(demo, "POST", path, b"request_id=x", **headers)[0] == 403


def test_the_control_api_still_refuses_what_comes_to_it_from_another_origin(demo: Demo) -> None:
    """Directly, not through the preview: that it is told of one more origin lets no other in."""
    connection = http.client.HTTPConnection("127.0.0.1", demo.control_port, timeout=10)
    headers = {"Origin": "http://127.0.0.1:1", "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/control/main/janitor", "request_id=x", headers)
    status = connection.getresponse().status
    connection.close()

    assert status == 403

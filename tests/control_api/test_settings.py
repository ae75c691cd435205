"""What is configured of the control API, and what it refuses to start with."""

import os
import subprocess
import sys
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from control_api.settings import (
    ControlSettings,
    is_loopback,
    janitor_every,
    load_control,
    load_control_or_exit,
)
from jobqueue.config import ConfigurationError, Janitor
from tests.waiting import PATIENCE

ENGINES = {"ascent"}
DATABASE = {"DATABASE_URL": "host=db"}
AGE = "seconds above 0, or a text such as '15 minutes'"
ORIGINS = "a list of origins as the browser has them, such as https://grafana.example.org, each once"
URL = "where this program reaches Grafana, such as http://grafana:3000"
PASSWORD = "a text that may hold a password (not shown)"
AUTH = "a list of at least one of grafana, token, loopback, each once"
GRAFANAS_ORIGIN = "where browsers see Grafana, such as https://grafana.example.org"
PATH = "a path such as /control, with a slash before it and none behind"
PAGE = "a path such as /d/system-status-jobs, or a web address"
JANITOR = (
    "every, fail_active_after, cancel_pending_after, delete_completed_after, delete_failed_after, reap_workers_after"
)
NETWORKS = "a list of addresses or networks such as 10.0.0.0/8, each once"


def by_variables(**variables: str) -> ControlSettings:
    return load_control(DATABASE | {f"CONTROL_API_{name}": value for name, value in variables.items()}, ENGINES)[1]


def by_file(folder: Path, text: str, **environ: str) -> ControlSettings:
    file = folder / "status.yaml"
    file.write_text(f"sources: [{{name: main, dsn: host=db}}]\n{text}")
    return load_control({"SYSTEM_STATUS_CONFIG": str(file), **environ}, ENGINES)[1]


def test_by_default_it_is_closed_and_reached_from_this_machine_alone() -> None:
    control = by_variables()

    assert control == ControlSettings(
        host="127.0.0.1",
        port=9811,
        base_path="/control",
        auth=("token",),
        grafana_url=None,
        grafana_cookie="grafana_session",
        grafana_team=None,
        grafana_org=1,
        origins=(),
        trusted_proxies=(),
        read_only=False,
        dashboard_url="/d/system-status-jobs",
        email_queue_url=None,
        janitor=Janitor(),
        batch=1000,
    )


def test_the_janitor_has_the_limits_of_the_platform_it_knows() -> None:
    assert Janitor() == Janitor(
        every=None,
        fail_active_after=timedelta(minutes=15),
        cancel_pending_after=timedelta(hours=1),
        delete_completed_after=timedelta(hours=1),
        delete_failed_after=timedelta(days=7),
        reap_workers_after=timedelta(minutes=5),
    )


def test_every_variable_is_heard() -> None:
    control = by_variables(
        HOST="0.0.0.0",
        PORT="80",
        BASE_PATH="/grafana/control",
        AUTH="grafana, token",
        GRAFANA_URL="http://grafana:3000/grafana/",
        GRAFANA_TEAM="Platform",
        ORIGINS="https://Grafana.Example.org:443,http://localhost:3000",
        TRUSTED_PROXIES="10.0.0.0/8, ::1",
        READ_ONLY="true",
        DASHBOARD_URL="/grafana/d/system-status-jobs",
        EMAIL_QUEUE_URL="https://example.org/admin/emails?tab=queue",
        JANITOR_EVERY="5 minutes",
    )

    assert control == ControlSettings(
        host="0.0.0.0",
        port=80,
        base_path="/grafana/control",
        auth=("grafana", "token"),
        grafana_url="http://grafana:3000/grafana",
        grafana_team="Platform",
        origins=("https://grafana.example.org", "http://localhost:3000"),
        trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("::1")),
        read_only=True,
        dashboard_url="/grafana/d/system-status-jobs",
        email_queue_url="https://example.org/admin/emails?tab=queue",
        janitor=Janitor(every=timedelta(minutes=5)),
    )


def test_every_key_is_heard(tmp_path: Path) -> None:
    control = by_file(
        tmp_path,
        """
control:
  auth: [loopback]
  host: "::1"
  port: 0
  grafana_cookie: session
  grafana_org: 2
  origins: "http://localhost:3000"
  trusted_proxies: [192.0.2.7]
  janitor:
    every: 0
    fail_active_after: 600
    cancel_pending_after: 2 hours
    delete_completed_after: 1 day
    delete_failed_after: 30 days
    reap_workers_after: 90 seconds
  batch: 50
""",
    )

    assert control == ControlSettings(
        auth=("loopback",),
        host="::1",
        port=0,
        grafana_cookie="session",
        grafana_org=2,
        origins=("http://localhost:3000",),
        trusted_proxies=(ip_network("192.0.2.7"),),
        janitor=Janitor(
            every=timedelta(0),
            fail_active_after=timedelta(minutes=10),
            cancel_pending_after=timedelta(hours=2),
            delete_completed_after=timedelta(days=1),
            delete_failed_after=timedelta(days=30),
            reap_workers_after=timedelta(seconds=90),
        ),
        batch=50,
    )
    assert control.janitor.reap_workers_after == timedelta(seconds=90)


def test_a_variable_wins_over_the_file_and_leaves_its_neighbours(tmp_path: Path) -> None:
    text = "control: {auth: [token], janitor: {every: 60, reap_workers_after: 60}}"

    control = by_file(tmp_path, text, CONTROL_API_AUTH="loopback", CONTROL_API_JANITOR_EVERY="900")

    assert control.auth == ("loopback",)
    assert control.janitor == Janitor(every=timedelta(minutes=15), reap_workers_after=timedelta(minutes=1))


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        (
            {"AUTH": "grafna"},
            "CONTROL_API_AUTH: found 'grafna', allowed: grafana, token, loopback (did you mean grafana?)",
        ),
        (
            {"AUTH": ","},
            f"CONTROL_API_AUTH: found an empty list, allowed: {AUTH}",
        ),
        ({"AUTH": "token,token"}, f"CONTROL_API_AUTH: found 'token' a second time, allowed: {AUTH}"),
        ({"AUTH": "grafana"}, f"CONTROL_API_GRAFANA_URL: found nothing, allowed: {URL}, for auth has grafana"),
        (
            {"AUTH": "grafana", "GRAFANA_URL": "http://grafana:3000"},
            f"CONTROL_API_ORIGINS: found nothing, allowed: {GRAFANAS_ORIGIN}, for auth has grafana",
        ),
        (
            {"AUTH": "token, loopback", "HOST": "0.0.0.0"},
            "CONTROL_API_HOST: found '0.0.0.0', allowed: a loopback address such as 127.0.0.1, for auth has loopback",
        ),
        ({"PORT": "http"}, "CONTROL_API_PORT: found 'http', allowed: a port, 1 to 65535, or 0 for any free one"),
        *(
            (
                {"BASE_PATH": path},
                f"CONTROL_API_BASE_PATH: found '{path}', allowed: {PATH}",
            )
            for path in ["control", "/control/", "/", "//evil", "/a/../b", "/a b", "/a?b"]
        ),
        *(
            ({"GRAFANA_URL": url}, f"CONTROL_API_GRAFANA_URL: found {found}, allowed: {URL}")
            for url, found in [
                ("grafana:3000", "'grafana:3000'"),
                ("ftp://grafana", PASSWORD),
                ("http://ann:secret@grafana", PASSWORD),
                ("http://grafana?a", PASSWORD),
                ("http://grafana:x", PASSWORD),
            ]
        ),
        *(
            (
                {"ORIGINS": f"https://ok.example.org, {origin}"},
                f"CONTROL_API_ORIGINS: found {found}, allowed: {ORIGINS}",
            )
            for origin, found in [
                ("*", "'*'"),
                ("null", "'null'"),
                ("grafana.example.org", "'grafana.example.org'"),
                ("https://grafana.example.org/", PASSWORD),
                ("https://*.example.org\\", PASSWORD),
                ("https://ok.example.org:443", f"{PASSWORD} a second time"),
            ]
        ),
        *(
            ({"TRUSTED_PROXIES": text}, f"CONTROL_API_TRUSTED_PROXIES: found '{text}', allowed: {NETWORKS}")
            for text in ["proxy", "10.0.0.1/8", "10.0.0.0/33"]
        ),
        ({"READ_ONLY": "maybe"}, "CONTROL_API_READ_ONLY: found 'maybe', allowed: true or false"),
        *(
            (
                {"DASHBOARD_URL": url},
                f"CONTROL_API_DASHBOARD_URL: found {found}, allowed: {PAGE}",
            )
            for url, found in [
                ("d/x", "'d/x'"),
                ("//evil", "'//evil'"),
                ("/\\evil", r"'/\\evil'"),
                ("javascript:alert(1)//", "'javascript:alert(1)//'"),
                ("javascript://x", PASSWORD),
            ]
        ),
        (
            {"JANITOR_EVERY": "often"},
            "CONTROL_API_JANITOR_EVERY: found 'often', allowed: seconds or a text such as '15 minutes', 0 for never",
        ),
    ],
)
def test_a_mistaken_variable_is_named(variables: dict[str, str], line: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        by_variables(**variables)

    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "control: {auth: [token, 3]}",
            "control.auth[1]: found 3, allowed: grafana, token, loopback",
        ),
        (
            "control: {auth: [grafana]}",
            f"control.grafana_url: found nothing, allowed: {URL}, for auth has grafana",
        ),
        (
            "control: {trusted_proxies: [10]}",
            f"control.trusted_proxies[0]: found 10, allowed: {NETWORKS}",
        ),
        ("control: {janitor: {fail_active_after: 0}}", f"control.janitor.fail_active_after: found 0, allowed: {AGE}"),
        (
            "control: {janitor: {delete_failed_after: 4000 days}}",
            f"control.janitor.delete_failed_after: found '4000 days', allowed: {AGE}",
        ),
        (
            "control: {janitor: {evry: 0}}",
            f"control.janitor.evry: found an unknown key, allowed: {JANITOR} (did you mean every?)",
        ),
        ("control: {batch: 0}", "control.batch: found 0, allowed: a whole number, 1 to 100000"),
        (
            "control: {grafana_cookie: 'a=b'}",
            f"control.grafana_cookie: found {PASSWORD}, allowed: the name of a cookie",
        ),
    ],
)
def test_a_mistake_in_the_file_is_named_by_its_path(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        by_file(tmp_path, text)

    assert str(caught.value) == line


def test_it_ends_with_one_line_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load_control_or_exit(DATABASE | {"CONTROL_API_READ_ONLY": "x"}, ENGINES, "control_api")

    assert ended.value.code == 2
    assert capsys.readouterr().err == "control_api: CONTROL_API_READ_ONLY: found 'x', allowed: true or false\n"


@pytest.mark.parametrize(
    ("every", "by_itself", "answer"),
    [
        (None, True, timedelta(minutes=15)),
        (None, False, None),
        (timedelta(0), True, None),
        (timedelta(minutes=1), False, timedelta(minutes=1)),
    ],
)
def test_the_janitor_runs_by_itself_where_it_is_meant_to_or_told_to(
    every: timedelta | None, by_itself: bool, answer: timedelta | None
) -> None:
    assert janitor_every(Janitor(every=every), by_itself=by_itself) == answer


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("localhost.example.org", False),
    ],
)
def test_loopback_is_this_machine_alone(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer


@pytest.mark.parametrize(("proxies", "warned"), [("", True), ("127.0.0.1", False)])
def test_behind_grafanas_origin_it_warns_where_no_proxy_is_trusted(proxies: str, warned: bool) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "LOG_FORMAT": "json",
        "CONTROL_API_AUTH": "grafana",
        "CONTROL_API_GRAFANA_URL": "http://127.0.0.1:1",
        "CONTROL_API_ORIGINS": "http://localhost:3000",
        "CONTROL_API_PORT": "0",
    } | ({"CONTROL_API_TRUSTED_PROXIES": proxies} if proxies else {})
    program = subprocess.Popen(
        [sys.executable, "-m", "control_api"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    try:
        assert program.stdout
        for line in program.stdout:
            lines.append(line)
            if "control.started" in line:
                break
        program.terminate()
        program.communicate(timeout=PATIENCE)
    finally:
        program.kill()
        program.communicate()

    assert program.returncode == 0
    assert any("control.no_trusted_proxies" in line for line in lines) == warned
    assert "control.started" in lines[-1]

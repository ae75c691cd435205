"""``python -m dashboards publish`` and ``limit``, against a stand-in for Grafana's API: no real one was to be had."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.navigation import JOBS
from tests.dashboards.commands import Run
from tests.dashboards.dashboards import CLASSIC
from tests.dashboards.grafana import NEW_FOLDER, TOKEN, Grafana, running

ADMINS = "for organization admins only"
LIMIT = "for admins only: python -m dashboards limit --grafana {} --folder {}"


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with running(Grafana()) as grafana:
        yield grafana


def stored(grafana: Grafana) -> dict[str, tuple[str, str]]:
    """The dashboards that are there: their folder and title."""
    return {uid: (one.folder, one.dashboard["title"]) for uid, one in grafana.dashboards.items()}


def meant(folder: str) -> dict[str, tuple[str, str]]:
    return {uid: (folder, dashboard["title"]) for uid, dashboard in CLASSIC.items()}


def test_the_dashboards_stand_in_a_folder_that_admins_alone_see(grafana: Grafana, run: Run) -> None:
    ended = run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert grafana.folders == {"platform": "Platform"}
    assert grafana.permissions == {"platform": []}
    assert stored(grafana) == meant("platform")
    for uid, one in grafana.dashboards.items():
        assert {**one.dashboard, "id": None, "version": 0} == {**CLASSIC[uid], "id": None}
    assert ended.stdout.splitlines()[:2] == ["folder platform: made", f"folder platform: {ADMINS}"]


def test_the_folder_is_closed_before_anything_is_put_into_it(grafana: Grafana, run: Run) -> None:
    run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)

    closed = grafana.orders.index("POST /api/folders/platform/permissions")
    assert closed < grafana.orders.index("POST /api/dashboards/db")


def test_publishing_again_uploads_nothing(grafana: Grafana, run: Run) -> None:
    run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)
    grafana.orders.clear()

    ended = run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr, grafana.changes) == (0, "", [])
    assert ended.stdout.count("up to date") == len(CLASSIC)
    assert f"its rights are left alone: {ADMINS}" in ended.stdout


@pytest.mark.parametrize("lists_versions", [True, False], ids=["Grafana 11", "Grafana 12 and later"])
def test_what_grafana_stores_in_a_form_of_its_own_is_up_to_date_all_the_same(
    grafana: Grafana, run: Run, lists_versions: bool
) -> None:
    grafana.normalizes, grafana.lists_versions = True, lists_versions
    run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)
    grafana.orders.clear()

    ended = run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, grafana.changes) == (0, [])


def test_another_versions_dashboard_is_replaced_and_said(grafana: Grafana, run: Run, tmp_path: Path) -> None:
    older = tmp_path / f"{JOBS}.json"
    older.write_text(json.dumps(CLASSIC[JOBS] | {"title": "Old"}))
    run("publish", grafana.address, "--from", str(tmp_path), GRAFANA_TOKEN=TOKEN)

    ended = run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)

    assert ended.returncode == 0
    assert f"{JOBS}: uploaded: published by another version of System Status" in ended.stdout
    assert stored(grafana) == meant("platform")


def test_a_dashboard_that_was_edited_by_hand_is_named_and_left(grafana: Grafana, run: Run) -> None:
    run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)
    grafana.edited(JOBS, title="Mine")

    ended = run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)

    assert ended.returncode == 1
    assert f"{JOBS}: left as it is: edited by hand" in ended.stdout
    assert "last by jane; --overwrite replaces it" in ended.stdout
    assert stored(grafana)[JOBS] == ("platform", "Mine")

    assert run("publish", grafana.address, "--overwrite", GRAFANA_TOKEN=TOKEN).returncode == 0
    assert stored(grafana) == meant("platform")


def test_a_dashboard_that_was_saved_meanwhile_is_not_replaced(grafana: Grafana, run: Run) -> None:
    run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)
    grafana.edited(JOBS, title="Mine")
    shown = grafana.dashboards[JOBS].dashboard
    grafana.dashboards[JOBS].dashboard = shown | {"version": 1}  # as it was when it was looked at
    grafana.refuses = 412, "The dashboard has been changed by someone else"

    ended = run("publish", grafana.address, "--overwrite", GRAFANA_TOKEN=TOKEN)

    assert ended.returncode == 1
    assert "somebody saved it just now" in ended.stderr


def test_a_dashboard_that_was_moved_is_left_in_its_folder(grafana: Grafana, run: Run) -> None:
    run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)
    grafana.dashboards[JOBS].folder = "ops"

    ended = run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)

    assert ended.returncode == 1
    assert f"{JOBS}: left as it is: it is in another folder (--folder ops); --overwrite moves it" in ended.stdout
    assert run("publish", grafana.address, "--overwrite", GRAFANA_TOKEN=TOKEN).returncode == 0
    assert stored(grafana) == meant("platform")


def test_no_folder_is_made_for_nothing(grafana: Grafana, run: Run) -> None:
    run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)

    ended = run("publish", grafana.address, "--folder", "other", GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, grafana.folders) == (1, {"platform": "Platform"})


def test_a_provisioned_dashboard_is_named_and_left_and_the_others_are_uploaded(grafana: Grafana, run: Run) -> None:
    grafana.save(JOBS, "platform", CLASSIC[JOBS] | {"title": "Old"}, "", "")
    grafana.dashboards[JOBS].provisioned = True

    ended = run("publish", grafana.address, "--overwrite", GRAFANA_TOKEN=TOKEN)

    assert ended.returncode == 1
    assert f"{JOBS}: left as it is: provisioned from files" in ended.stdout
    assert stored(grafana).keys() == CLASSIC.keys()


def test_a_folder_that_was_there_keeps_its_rights_and_it_is_said_who_sees_it(grafana: Grafana, run: Run) -> None:
    grafana.folders["platform"] = "Ours since long ago"
    grafana.permissions["platform"] = [*NEW_FOLDER, {"team": "ops", "permission": 4}]

    ended = run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)

    assert ended.returncode == 0
    assert grafana.permissions["platform"][:2] == NEW_FOLDER
    assert grafana.folders == {"platform": "Ours since long ago"}
    who = "besides admins role Viewer (View), role Editor (Edit), team ops (Admin)"
    assert f"{who}; {LIMIT.format(grafana.address, 'platform')}" in ended.stdout


def test_limit_closes_a_folder_whoever_made_it(grafana: Grafana, run: Run) -> None:
    grafana.folders["jobs"], grafana.permissions["jobs"] = "Jobs", NEW_FOLDER

    ended = run("limit", grafana.address, "--folder", "jobs", GRAFANA_TOKEN=TOKEN)

    until_now = "folder jobs: until now: role Viewer (View), role Editor (Edit)"
    assert (ended.returncode, ended.stdout) == (0, f"{until_now}\nfolder jobs: {ADMINS}\n")
    assert grafana.permissions == {"jobs": []}

    grafana.orders.clear()
    ended = run("limit", grafana.address, "--folder", "jobs", GRAFANA_TOKEN=TOKEN)
    assert (ended.stdout, grafana.changes) == (f"folder jobs: {ADMINS} already\n", [])


def test_limit_makes_the_folder_before_it_is_provisioned(grafana: Grafana, run: Run) -> None:
    run("limit", grafana.address, GRAFANA_TOKEN=TOKEN)

    assert (grafana.folders, grafana.permissions) == ({"platform": "Platform"}, {"platform": []})
    assert grafana.dashboards == {}


def test_limit_says_so_where_the_folder_around_it_lets_others_in(grafana: Grafana, run: Run) -> None:
    grafana.folders["jobs"] = "Jobs"
    grafana.permissions["jobs"] = [{"role": "Viewer", "permission": 1, "inherited": True}]

    ended = run("limit", grafana.address, "--folder", "jobs", GRAFANA_TOKEN=TOKEN)

    assert ended.returncode == 1
    assert "role Viewer (View) still may: rights of the folder around it? Limit that one" in ended.stderr


def test_a_folder_of_ones_own_choice_has_that_uid_and_title(grafana: Grafana, run: Run) -> None:
    run("publish", grafana.address, "--folder", "jobs", "--title", "Jobs", GRAFANA_TOKEN=TOKEN)

    assert grafana.folders == {"jobs": "Jobs"}
    assert stored(grafana) == meant("jobs")


def test_a_dry_run_says_what_would_change_and_changes_nothing(grafana: Grafana, run: Run) -> None:
    ended = run("publish", grafana.address, "--dry-run", GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr, grafana.changes) == (0, "", [])
    assert "folder platform: would be made, for organization admins only" in ended.stdout
    assert ended.stdout.count("would be uploaded: new") == len(CLASSIC)

    run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)
    grafana.edited(JOBS, title="Mine")
    grafana.orders.clear()
    ended = run("publish", grafana.address, "--dry-run", "--overwrite", GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, grafana.changes) == (0, [])
    assert ended.stdout.count("up to date") == len(CLASSIC) - 1
    assert f"{JOBS}: would be uploaded: edited by hand" in ended.stdout
    grafana.permissions["platform"] = NEW_FOLDER
    ended = run("limit", grafana.address, "--dry-run", GRAFANA_TOKEN=TOKEN)
    assert "would be limited to organization admins; now: role Viewer (View), role Editor (Edit)\n" in ended.stdout
    assert grafana.changes == []


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (403, "Access denied", "role Admin"),
        (400, "Cannot save provisioned dashboard", "provisioned from files"),
        (400, "bad request data", "bad request data"),
        (500, "refused", "500: refused"),
        (500, f"no room for {TOKEN}", "500: no room for …"),
    ],
)
def test_a_refusal_is_a_line_with_its_reason(
    status: int, message: str, reason: str, grafana: Grafana, run: Run
) -> None:
    grafana.refuses = status, message

    ended = run("publish", grafana.address, GRAFANA_TOKEN=TOKEN)

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert reason in ended.stderr
    assert TOKEN not in ended.stderr


def test_it_takes_nothing_but_what_every_program_of_ours_needs(grafana: Grafana) -> None:
    """Whoever publishes what came with the program needs no package that builds it."""
    without = "import sys; sys.modules['grafanalib'] = None; from dashboards.__main__ import main; sys.exit(main())"
    command = [sys.executable, "-c", without, "publish", "--grafana", grafana.address]

    ended = subprocess.run(command, env={**os.environ, "GRAFANA_TOKEN": TOKEN}, capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert grafana.dashboards.keys() == CLASSIC.keys()
    build = subprocess.run([*command[:3], "build"], capture_output=True, text=True)
    assert build.returncode == 1
    assert "grafanalib isn't installed: pip install grafanalib" in build.stderr


def test_files_that_are_no_dashboards_are_a_line(grafana: Grafana, run: Run, tmp_path: Path) -> None:
    nothing = run("publish", grafana.address, "--from", str(tmp_path), GRAFANA_TOKEN=TOKEN)
    (tmp_path / "system-status-jobs.json").write_text("[1]")
    other = run("publish", grafana.address, "--from", str(tmp_path), GRAFANA_TOKEN=TOKEN)

    assert (nothing.returncode, other.returncode, grafana.orders) == (1, 1, [])
    assert "no dashboards there: python -m dashboards build --to FOLDER writes them" in nothing.stderr
    assert "files that aren't our dashboards" in other.stderr

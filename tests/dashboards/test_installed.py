"""What a Grafana has of us, as one call says it."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.files import classic
from dashboards.grafana_api import Grafana as Api
from dashboards.grafana_api import GrafanaError
from dashboards.installed import DataSource, Folder, Right, State, dashboard, folder, installed, version
from dashboards.navigation import HEALTH, JOBS, WORKERS
from dashboards.publish import Order, publish
from tests.dashboards.dashboards import CLASSIC
from tests.dashboards.grafana import NEW_FOLDER, SOURCES, TOKEN, Grafana, running


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with running(Grafana()) as grafana:
        yield grafana


def test_an_empty_grafana_has_nothing_of_us(grafana: Grafana) -> None:
    found = installed(grafana.address, TOKEN)

    assert (found.version, found.folder, found.browsers_address) == ("13.2.3", None, "https://grafana.example.org")
    assert {one.uid: one.state for one in found.dashboards} == dict.fromkeys(CLASSIC, State.ABSENT)
    assert found.data_sources == tuple(DataSource(one["uid"], one["name"], one["type"]) for one in SOURCES)
    assert found.missing_plugins == ()
    assert grafana.changes == []


def test_what_was_published_is_up_to_date_and_in_a_closed_folder(grafana: Grafana) -> None:
    publish(Api(grafana.address, TOKEN), classic(), Order(), lambda line: None)

    found = installed(grafana.address, TOKEN)

    assert found.folder == Folder("platform", "Platform", ())
    assert {one.state for one in found.dashboards} == {State.UP_TO_DATE}
    assert {one.folder_uid for one in found.dashboards} == {"platform"}


def test_what_somebody_changed_is_told_apart(grafana: Grafana) -> None:
    publish(Api(grafana.address, TOKEN), classic(), Order(), lambda line: None)
    grafana.edited(JOBS, title="Mine")
    grafana.save(WORKERS, "platform", {**CLASSIC[WORKERS], "title": "Old"}, "System Status 0123456789ab", "sa")
    grafana.edited(HEALTH, title="Elsewhere")
    grafana.dashboards[HEALTH].provisioned = True
    grafana.permissions["platform"] = NEW_FOLDER

    found = installed(grafana.address, TOKEN)

    there = {one.uid: one for one in found.dashboards}
    assert (there[JOBS].state, there[JOBS].edited_by) == (State.EDITED, "jane")
    assert there[WORKERS].state is State.ANOTHER_VERSION
    assert there[HEALTH].state is State.PROVISIONED
    assert found.folder is not None
    assert found.folder.others == (Right("role Viewer", "View"), Right("role Editor", "Edit"))


def test_an_edit_that_says_our_name_is_an_edit(grafana: Grafana) -> None:
    grafana.save(JOBS, "platform", {**CLASSIC[JOBS], "title": "Mine"}, "System Status in our colours", "jane")

    [found] = [one for one in installed(grafana.address, TOKEN).dashboards if one.uid == JOBS]

    assert found.state is State.EDITED


def test_what_the_token_may_not_read_is_none_and_not_empty(grafana: Grafana) -> None:
    grafana.folders["platform"], grafana.permissions["platform"] = "Platform", NEW_FOLDER
    grafana.forbids = ("/api/datasources", "/api/frontend/settings", "/api/folders/platform/permissions")

    found = installed(grafana.address, TOKEN)

    assert (found.data_sources, found.browsers_address, found.missing_plugins) == (None, None, ())
    assert found.folder == Folder("platform", "Platform", None)


def test_a_data_source_that_is_missing_is_named(grafana: Grafana, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES[1], "type", "loki")

    assert installed(grafana.address, TOKEN).missing_plugins == ("grafana-postgresql-datasource",)


KEYS = ("uid", "version", "versions", "dashboard", "meta", "role", "permission")
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=8,
)


@given(st.data())
def test_whatever_json_an_answer_is_nothing_but_an_error_of_ours_is_raised(data: st.DataObject) -> None:
    class Odd(Api):
        def get(self, path: str, **expected: object) -> Any:
            found = data.draw(ANY_JSON.filter(lambda value: isinstance(value, dict if expected else dict | list)))
            return found | expected if isinstance(found, dict) else found

    odd = Odd("http://127.0.0.1:9", TOKEN)
    for read in (lambda: folder(odd, "platform"), lambda: dashboard(odd, CLASSIC[JOBS]), lambda: version(odd)):
        with suppress(GrafanaError):
            read()


def test_a_wrong_token_is_an_error(grafana: Grafana) -> None:
    with pytest.raises(GrafanaError, match="the token isn't valid here"):
        installed(grafana.address, "glsa_old")

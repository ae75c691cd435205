"""Graphile Worker without the recorder, where it makes a difference."""

import pytest

from tests.engines.test_conformance import (
    engine,
    test_a_failed_active_job_stays_failed_when_its_worker_comes_to_its_end,
    test_a_worker_is_shown_while_it_is_there,
    test_cancelled_pending_jobs_never_run_and_those_due_later_stay,
    test_each_state_is_counted_and_due_is_told_from_not_due,
    test_the_janitor_deletes_what_is_old_and_the_figures_of_the_day_stay,
)
from tests.engines.test_roles import roles, test_the_exporters_role_reads_all_and_check_has_nothing_to_mend

__all__ = [
    "engine",
    "roles",
    "test_a_failed_active_job_stays_failed_when_its_worker_comes_to_its_end",
    "test_a_worker_is_shown_while_it_is_there",
    "test_cancelled_pending_jobs_never_run_and_those_due_later_stay",
    "test_each_state_is_counted_and_due_is_told_from_not_due",
    "test_the_exporters_role_reads_all_and_check_has_nothing_to_mend",
    "test_the_janitor_deletes_what_is_old_and_the_figures_of_the_day_stay",
]


@pytest.fixture(params=["graphile-unrecorded"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name

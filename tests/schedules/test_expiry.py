from datetime import timedelta

import pytest

from jobqueue.schedules import described


@pytest.mark.parametrize(
    ("expire_after", "duration"),
    [
        (timedelta(minutes=5), "5 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=2), "2 days"),
        (timedelta(seconds=30), "30 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(days=30, seconds=1), "2592001 seconds"),
        (timedelta(milliseconds=1500), "1.5 seconds"),
        (timedelta(0), "0 seconds"),
    ],
)
def test_a_duration_is_told_in_its_largest_exact_unit(expire_after: timedelta, duration: str) -> None:
    assert described("Sends due e-mails", expire_after) == f"Sends due e-mails (dropped after {duration})"


def test_a_job_that_is_never_dropped_is_only_described() -> None:
    assert described("Sends due e-mails", None) == "Sends due e-mails"


@pytest.mark.parametrize("description", ["", "  "])
def test_the_expiry_stands_alone_without_a_description(description: str) -> None:
    assert described(description, timedelta(minutes=5)) == "Dropped after 5 minutes"
    assert described(description, None) == ""

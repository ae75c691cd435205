"""What the platform has to do: its job types, how long they take and how often they fail."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

ORGANIZATIONS = range(1, 33)
"""Whose jobs they are; a fan-out makes one for each."""

HIGH: Final = 10
NORMAL: Final = 0
LOW: Final = -10

JANITOR: Final = "queue.janitor"


@dataclass(frozen=True, slots=True)
class Work:
    """What running a job is like: log-normal durations, attempts that fail."""

    seconds: float
    """Median duration."""
    spread: float = 0.5
    """Sigma of the logarithm of the duration; 1 makes the slowest in a hundred ten times as long as the median."""
    failing: float = 0.0
    """Share of the attempts that fail."""
    slow: float = 0.0
    """Share of the attempts that take ten times as long."""


@dataclass(frozen=True, slots=True)
class JobType:
    """One kind of work."""

    name: str
    work: Work
    priority: int = NORMAL
    max_retries: int = 2
    expire_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class OnDemand(JobType):
    """Work that a user's click or another job causes."""

    clicks_per_hour: float = 0.0
    """At the busiest time of day."""
    delay: timedelta = timedelta()
    """From the click until it is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled(JobType):
    """Work that comes again and again."""

    description: str
    cron: str
    timezone: str = "UTC"
    enabled: bool = True
    fans_out_to: OnDemand | None = None
    """What it queues for each organization when it is done."""


def minutes(count: int) -> timedelta:
    """So many minutes, short enough for a table."""
    return timedelta(minutes=count)


# fmt: off
DELIVERY = OnDemand("webhooks.deliver", Work(0.35, spread=0.8, failing=0.35), LOW)
CALENDAR = OnDemand("calendars.sync_organization", Work(0.9, spread=0.6, failing=0.02))
REPORT = OnDemand("reports.build", Work(4, spread=0.6))

ON_DEMAND = (
    DELIVERY,
    CALENDAR,
    REPORT,
    OnDemand("email.welcome", Work(0.5), HIGH, clicks_per_hour=60, delay=minutes(2)),
    OnDemand("files.thumbnail", Work(0.7, spread=0.9, failing=0.055), max_retries=1, clicks_per_hour=900),
    OnDemand("contacts.import", Work(25, spread=1.0), clicks_per_hour=6),
)

SCHEDULED = (
    Scheduled(
        "email.send_due", Work(0.6, failing=0.01), HIGH, expire_after=minutes(5),
        cron="* * * * *", description="Sends due e-mails",
    ),
    Scheduled(
        "uptime.probe", Work(0.15, spread=0.4), LOW, max_retries=0, expire_after=minutes(1),
        cron="* * * * *", description="Probes the public endpoints",
    ),
    Scheduled(
        "webhooks.dispatch", Work(0.2),
        cron="*/5 * * * *", description="Queues each organization's webhook deliveries", fans_out_to=DELIVERY,
    ),
    Scheduled(
        "sessions.cleanup", Work(1.2), LOW, expire_after=minutes(4),
        cron="*/5 * * * *", description="Deletes expired sessions",
    ),
    Scheduled(
        "calendars.sync", Work(0.3),
        cron="2-59/15 * * * *", description="Queues a sync of each organization's calendars", fans_out_to=CALENDAR,
    ),
    Scheduled(
        "search.reindex", Work(6, slow=0.04),
        cron="*/15 * * * *", description="Indexes what changed since the last run",
    ),
    Scheduled(
        JANITOR, Work(0.4), HIGH, max_retries=0, expire_after=minutes(15),
        cron="*/15 * * * *", description="Removes what is stuck, stale, old or dead from the queue",
    ),
    Scheduled(
        "usage.rollup", Work(14, spread=0.3),
        cron="@hourly", description="Rolls the last hour's usage up",
    ),
    Scheduled(
        "billing.sync_invoices", Work(9, spread=0.7, failing=0.05), HIGH, max_retries=1,
        cron="7 * * * *", description="Fetches invoices from the payment provider",
    ),
    Scheduled(
        "reports.daily_digest", Work(0.5),
        cron="0 6 * * *", timezone="Europe/Berlin",
        description="Queues each organization's daily report", fans_out_to=REPORT,
    ),
    Scheduled(
        "reminders.send", Work(3), expire_after=minutes(60),
        cron="30 8 * * 1-5", timezone="America/New_York", description="Reminds people of what is due today",
    ),
    Scheduled(
        "storage.sweep_orphans", Work(95, spread=0.3), LOW,
        cron="40 3 * * *", description="Removes files that nothing refers to any more",
    ),
    Scheduled(
        "exports.nightly", Work(40), LOW, enabled=False,
        cron="15 2 * * *", description="Copies the day to the old warehouse",
    ),
)
# fmt: on

CLICKED = tuple(job_type for job_type in ON_DEMAND if job_type.clicks_per_hour)
JOB_TYPES: dict[str, JobType] = {job_type.name: job_type for job_type in (*SCHEDULED, *ON_DEMAND)}

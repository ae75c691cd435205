"""Jobs as they stand: how many wait, run, ended, and since when."""

from dashboards.promql.select import JOB, by, by_job, first_of, series, zero_if_read
from jobqueue.catalogue import JOBS, OLDEST_ACTIVE, OLDEST_READY

_LIVE = ("pending", "scheduled", "active", "retry")


def jobs(state: str, *matchers: str) -> str:
    """Jobs in a state, by job type."""
    return by_job(JOBS, f'state="{state}"', *matchers)


def total(state: str, *matchers: str) -> str:
    """Jobs in a state, together; 0 in an empty queue, and nothing where the queue can't be read."""
    return first_of(f"sum({jobs(state, *matchers)})", zero_if_read("live" if state in _LIVE else "finished"))


def age(*matchers: str) -> str:
    """For how many seconds the oldest due job of each type has waited; 0 where none waits."""
    return first_of(f"(time() - {by_job(OLDEST_READY, *matchers)})", f"0 * {jobs('pending', *matchers)}")


def oldest_wait(*matchers: str) -> str:
    """The longest wait of all, in seconds."""
    return first_of(f"max({age(*matchers)})", zero_if_read("ready"))


def running_for(*matchers: str) -> str:
    """For how many seconds the longest-running job of each type has run; 0 where none runs."""
    return first_of(f"(time() - {by_job(OLDEST_ACTIVE, *matchers)})", f"0 * {jobs('active', *matchers)}")


def most_pending(*matchers: str) -> str:
    """The most jobs of each type that waited in each interval: no short peak is passed over."""
    waiting = series(JOBS, 'state="pending"', *matchers)
    return by(JOB, f"max_over_time({waiting}[$__rate_interval])")

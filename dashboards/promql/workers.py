"""Workers: which there are, whether they are online, what they do."""

from dashboards.promql.select import WORKER, by, by_worker, first_of, rows, series, zero_if_read
from jobqueue.catalogue import (
    WORKER_CURRENT_START,
    WORKER_INFO,
    WORKER_LAST_SEEN,
    WORKER_ONLINE,
    WORKER_PROCESSED,
    WORKER_START,
)

NO_TIME = -1
_LOOKS_EVERY = "15s"
"""As often as workers are polled; else Prometheus takes the interval of its rules."""


def workers() -> str:
    """One row per worker, with what it says of itself."""
    return rows(WORKER, series(WORKER_INFO), "hostname", "pid", "mode", "version")


def uptime() -> str:
    """For how many seconds each worker that is online has run."""
    running = f"(time() - {by_worker(WORKER_START)}) and on (source, worker) ({by_worker(WORKER_ONLINE)} == 1)"
    return first_of(running, f"0 * {by_worker(WORKER_ONLINE)} + {NO_TIME}")


def current_run() -> str:
    """What each worker runs, in the label ``job_type``, and for how many seconds; ``idle``, or — when it is gone.

    Of a worker with several slots the longest run. One that died in a run still shows it, as long as it was when the
    worker was last seen: nobody knows of more.
    """
    key = ", ".join(WORKER)
    start = by((*WORKER, "job_type"), series(WORKER_CURRENT_START))
    online = by_worker(WORKER_ONLINE)
    until = first_of(f"{by_worker(WORKER_LAST_SEEN)} unless on ({key}) {online} == 1", f"0 * {online} + time()")
    return f" or on ({key}) ".join(
        (
            f"topk by ({key}) (1, clamp_min(({until}) - on ({key}) group_right () {start}, 0))",
            f'label_replace(0 * ({online} == 1) + {NO_TIME}, "job_type", "idle", "", "")',
            f'label_replace(0 * {online} + {NO_TIME}, "job_type", "—", "", "")',
        )
    )


def last_seen() -> str:
    """Each worker's last heartbeat, in milliseconds."""
    return f"1000 * {by_worker(WORKER_LAST_SEEN)}"


def counted(online: int) -> str:
    """How many workers are online (1) or offline (0); 0 where there are none, nothing where they can't be read."""
    return first_of(f"sum({by_worker(WORKER_ONLINE)} == bool {online})", zero_if_read("workers", "heartbeats"))


def throughput(*matchers: str) -> str:
    """Jobs per minute of each worker."""
    return f"{by(WORKER, f'rate({series(WORKER_PROCESSED, *matchers)}[$__rate_interval])')} * 60"


def busy(*matchers: str) -> str:
    """The share of the time in which each worker was seen running a job, 0 to 1; one that died in a run is not busy."""
    running = f"0 * {by_worker(WORKER_CURRENT_START, *matchers)} + 1"
    online = by_worker(WORKER_ONLINE, *matchers)
    seen = first_of(f"({running}) and on ({', '.join(WORKER)}) ({online} == 1)", f"0 * {online}")
    return f"avg_over_time(({seen})[$__rate_interval:{_LOOKS_EVERY}])"

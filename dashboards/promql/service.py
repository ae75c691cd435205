"""The exporter and the control API themselves."""

from dashboards.promql.queue import jobs
from dashboards.promql.select import ACTION, COLLECTOR, by, by_source, first_of, more, rows, series
from jobqueue.catalogue import (
    COLLECTOR_DURATION,
    COLLECTOR_LAST_SUCCESS,
    COLLECTOR_SUCCESS,
    CONTROL_ACTION_INFO,
    CONTROL_ACTIONS,
    DAY_START,
    FOLDED,
    JANITOR_LAST_RUN,
    JANITOR_REMOVED,
    SOURCE_INFO,
    UP,
)

NEVER = -1
_COUNTED = "Jobs concerned now: $1."
_NOT_COUNTED = "How many rows that concerns is said on its own page, beside this button."


def sources() -> str:
    """One row per configured source; its value is whether the database answers."""
    return by_source(UP)


def versions() -> str:
    """What each source is, in its labels; — where its database has not answered yet."""
    labels = "source, engine, engine_version, server_version"
    known = f"max by ({labels}) (topk by (source) (1, {series(SOURCE_INFO)}))"
    unknown = f"0 * {by_source(UP)}"
    for label in ("engine", "engine_version", "server_version"):
        unknown = f'label_replace({unknown}, "{label}", "—", "", "")'
    return f"{known} or on (source) {unknown}"


def answering() -> str:
    """How many of the sources on show answer."""
    return f"sum({by_source(UP)})"


def silent() -> str:
    """How many of the sources on show don't answer."""
    return f"sum({by_source(UP)} == bool 0)"


def exporters() -> str:
    """How many exporters show each source."""
    return f"count by (source) ({series(UP)})"


def control_apis() -> str:
    """How many control APIs act on each source; 0 for none."""
    acting = series(CONTROL_ACTION_INFO, 'action="run"')
    return first_of(f"count by (source) ({acting})", f"0 * {by_source(UP)}")


def job_types() -> str:
    """How many job types each source shows; not known where its jobs can't be read."""
    read = by_source(COLLECTOR_SUCCESS, 'collector="live"')
    return first_of(f"count by (source) ({jobs('pending')})", f"0 * ({read} == 1)", f"0 * {by_source(UP)} + {NEVER}")


def folded() -> str:
    """How many job types, workers and schedules of each source are left out by a bound."""
    return first_of(f"sum by (source) (max by (source, kind) ({series(FOLDED)}))", f"0 * {by_source(UP)}")


def counted_since() -> str:
    """From when each source's 24-hour figures count, in milliseconds."""
    return first_of(f"1000 * {by_source(DAY_START)}", f"0 * {by_source(UP)} + {NEVER}")


def janitor_last_run() -> str:
    """When each source's janitor last came to its end, in milliseconds."""
    return first_of(f"1000 * {by_source(JANITOR_LAST_RUN)}", f"0 * {by_source(UP)} + {NEVER}")


def collectors() -> str:
    """One row per source and collector; its value is whether the newest read succeeded."""
    return f'label_join({collector_success()}, "Source", "", "source")'


def failing_collectors() -> str:
    """How many collectors failed at their newest read."""
    return f"sum({collector_success()} == bool 0)"


def collector_success() -> str:
    """Whether each collector's newest read succeeded, 1 or 0; the best of all exporters."""
    return by(COLLECTOR, series(COLLECTOR_SUCCESS))


def read_duration() -> str:
    """How many seconds each collector's newest read took; nothing while none has ended."""
    return by(COLLECTOR, series(COLLECTOR_DURATION))


def known_read_duration() -> str:
    """The same for every collector there is."""
    return first_of(read_duration(), f"0 * {collector_success()} + {NEVER}")


def last_read() -> str:
    """When each collector last succeeded, in milliseconds."""
    return first_of(f"1000 * {by(COLLECTOR, series(COLLECTOR_LAST_SUCCESS))}", f"0 * {collector_success()} + {NEVER}")


def staleness() -> str:
    """How many seconds ago each collector last succeeded."""
    return f"clamp_min(time() - {by(COLLECTOR, series(COLLECTOR_LAST_SUCCESS))}, 0)"


def age_when_scraped() -> str:
    """How old each collector's figures were when they were scraped: at the moments of a chart they'd be a sawtooth."""
    read = series(COLLECTOR_LAST_SUCCESS)
    return f"clamp_min(min by ({', '.join(COLLECTOR)}) (timestamp({read}) - {read}), 0)"


def oldest_read() -> str:
    """How many seconds ago the collector that is furthest behind last succeeded."""
    return f"max({staleness()})"


def clean_ups(*matchers: str) -> str:
    """One row per clean-up action that *matchers* choose, with its texts and its path."""
    return rows(ACTION, series(CONTROL_ACTION_INFO, 'action!="run"', *matchers), "title", "description", "path")


def concerned(*matchers: str) -> str:
    """The number of jobs that each clean-up concerns now, as a sentence in the label ``concerned``.

    No metric says how many rows are old enough for the janitor, so its sentence has no number.
    """
    active, pending = (f"sum by (source) ({jobs(state)})" for state in ("active", "pending"))
    counts = first_of(
        f'label_replace({active}, "action", "fail-active", "", "")',
        f'label_replace({pending}, "action", "cancel-pending", "", "")',
    )
    key = ", ".join(ACTION)
    counted = f'label_replace(count_values by ({key}) ("jobs", {counts}), "concerned", "{_COUNTED}", "jobs", "(.*)")'
    others = f'label_replace({series(CONTROL_ACTION_INFO)}, "concerned", "{_NOT_COUNTED}", "", "")'
    wanted = series(CONTROL_ACTION_INFO, 'action!="run"', *matchers)
    return f"{by((*ACTION, 'concerned'), f'{counted} or on ({key}) {others}')} and on ({key}) {wanted}"


def ordered() -> str:
    """Admin actions per interval by outcome. Each replica of the control API counts its own: hence a sum."""
    return f"sum by (source, action, outcome) ({more(series(CONTROL_ACTIONS))}) > 0"


def removed() -> str:
    """Rows that the janitor ended or deleted per interval, by step; a sum, as for actions."""
    return f"sum by (source, step) ({more(series(JANITOR_REMOVED))}) > 0"

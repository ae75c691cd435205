"""The pieces of every expression: series of the sources on show, one per key however many exporters there are."""

from jobqueue.catalogue import COLLECTOR_SUCCESS, SOURCE_CAPABILITY, Metric

JOB = ("source", "job_type")
WORKER = ("source", "worker")
ACTION = ("source", "action")
COLLECTOR = ("source", "collector")

THIS_JOB = 'job_type="$job_type"'
"""Matcher of the Job dashboard."""


def series(metric: Metric, *matchers: str, suffix: str = "") -> str:
    """The metric's series for the sources on show."""
    wanted = ", ".join(('source=~"$source"', *matchers))
    return f"{metric.name}{suffix}{{{wanted}}}"


def more(counter: str) -> str:
    """By how much a counter has grown in the interval before each moment of a chart, as whole as it counts.

    ``increase`` stretches what it finds to the ends of its window, so that one run reads as 1.07, and its window spans
    several intervals where scrapes are rare, so that one run is drawn twice. After a restart, which counts from 0
    again, a single interval is lost.
    """
    return f"clamp_min({counter} - {counter} offset $__interval, 0)"


def by(key: tuple[str, ...], expression: str) -> str:
    """The greatest per key: replicas of the exporter show the same, and a sum would double it."""
    return f"max by ({', '.join(key)}) ({expression})"


def by_source(metric: Metric, *matchers: str) -> str:
    """One series per source."""
    return by(("source",), series(metric, *matchers))


def by_job(metric: Metric, *matchers: str) -> str:
    """One series per source and job type."""
    return by(JOB, series(metric, *matchers))


def by_worker(metric: Metric, *matchers: str) -> str:
    """One series per source and worker."""
    return by(WORKER, series(metric, *matchers))


def rows(key: tuple[str, ...], expression: str, *labels: str) -> str:
    """The rows of a table: one per key with *labels*, also while two exporters disagree about them.

    ``Source`` repeats ``source`` for the reader; the column goes where a single source is on show.
    """
    one = f"topk by ({', '.join(key)}) (1, {expression})"
    return f'label_join({by((*key, *labels), one)}, "Source", "", "source")'


def first_of(*alternatives: str) -> str:
    """For each key the first alternative that has it."""
    return " or ".join(alternatives)


def zero_if_read(collector: str, capability: str | None = None) -> str:
    """0 where the collector's newest read succeeded; nothing where it failed, for then nobody knows.

    Nor where no source's engine has the *capability* that it takes.
    """
    success = by_source(COLLECTOR_SUCCESS, f'collector="{collector}"')
    zero = f"0 * (min({success}) == 1)"
    if capability is None:
        return zero
    able = by_source(SOURCE_CAPABILITY, f'capability="{capability}"')
    return f"{zero} unless max({able}) == 0"

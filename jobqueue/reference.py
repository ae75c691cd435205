"""``docs/metrics.md``, written from the catalogue."""

from collections.abc import Iterable, Iterator

from jobqueue.catalogue import BUCKETS, CONTROL_METRICS, METRICS, Kind, Metric

_HEAD = """\
# Metrics

Generated from `jobqueue/catalogue.py` by `make docs`; a test compares.

- Every series has the label `source`, the configured name of the queue's database.
- Base units. Times are Unix timestamps: `time() - x` is an age that keeps growing while nothing is read.
- Counts are zero for every known job type and worker; what has no value is absent, never 0 and never NaN.
- When a read fails, the series of that collector disappear and `jobqueue_collector_success` says 0.
- Counters and histograms begin at 0 with the exporter's process; the `last24h` figures survive restarts.
- Replicas of the exporter show the same figures: aggregate with `max by`, never with `sum`, over replicas.
"""
_TABLE = """
| metric | type | labels besides `source` | meaning |
| --- | --- | --- | --- |"""
_CONTROL = """
## The control API

Served on its own `/metrics`. Each replica counts what was done there: add its counters up with `sum`."""


def metrics_page() -> Iterator[str]:
    """Yield the page, line by line."""
    yield from _HEAD.splitlines()
    yield from _table(METRICS)
    yield ""
    yield f"\\* with `le` whole powers of two from {BUCKETS[0]:g} to {BUCKETS[-1]:g} s."
    yield from _CONTROL.splitlines()
    yield from _table(CONTROL_METRICS)


def _table(metrics: Iterable[Metric]) -> Iterator[str]:
    yield from _TABLE.splitlines()
    for metric in metrics:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        kind = metric.kind + (" *" if metric.kind is Kind.HISTOGRAM else "")
        yield f"| `{metric.name}` | {kind} | {labels} | {metric.help.replace('|', '/')} |"

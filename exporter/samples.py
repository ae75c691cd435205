"""What collectors hand to the exposition: values of series, ready to be written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from jobqueue.catalogue import Metric


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of a gauge or counter; ``labels`` follow ``source``, in the metric's order."""

    metric: Metric
    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True)
class HistogramSample:
    """One histogram; ``cumulative`` has a count for each bound of ``BUCKETS``, then that of all runs."""

    metric: Metric
    labels: tuple[str, ...]
    cumulative: Sequence[int]
    sum: float


Samples = tuple[Sample | HistogramSample, ...]


def writable(samples: Samples) -> Samples:
    """*samples* as they are; raises ``UnicodeError`` where a label is no text that a page in UTF-8 can hold.

    Looked at where they are read: on the page such a label would take all sources with it.
    """
    for sample in samples:
        for label in sample.labels:
            if not isinstance(label, str):
                raise UnicodeError(f"{sample.metric.name}: a label is {type(label).__name__}, not text")
            label.encode()
    return samples


def at(metric: Metric, labels: tuple[str, ...], moment: datetime | None) -> Iterator[Sample]:
    """Yield a timestamp, or nothing: what has no value has no series."""
    if moment is not None:
        yield Sample(metric, labels, moment.timestamp())

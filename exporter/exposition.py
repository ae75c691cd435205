"""The newest samples of all sources, as Prometheus' families. No I/O: a scrape never waits for a database."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from exporter.samples import HistogramSample, Sample
from exporter.source import SourceMonitor
from jobqueue.catalogue import (
    BUCKETS,
    COLLECTOR_DURATION,
    COLLECTOR_FAILING,
    COLLECTOR_LAST_SUCCESS,
    COLLECTOR_SUCCESS,
    METRICS,
    UNREADABLE,
    UNREADABLE_SINCE,
    UP,
    Kind,
    Metric,
)

_BOUNDS = [*map(floatToGoString, BUCKETS), "+Inf"]


class Exposition(Collector):
    """Built afresh at each collection: what vanished from its source vanishes here."""

    def __init__(self, sources: Sequence[SourceMonitor]) -> None:
        self._sources = sources

    def describe(self) -> Iterable[Family]:
        """Name the families without collecting."""
        return [_family(metric) for metric in METRICS]

    def collect(self) -> Iterator[Family]:
        """Make one family after the other, in the catalogue's order; a metric without series is left out.

        Each is made when it is asked for: all of them together take ten times the page.
        """
        samples: defaultdict[Metric, list[tuple[str, Sample | HistogramSample]]] = defaultdict(list)
        for source in self._sources:
            for sample in _samples(source):
                samples[sample.metric].append((source.name, sample))
        for metric in METRICS:
            if metric in samples:
                yield _filled(metric, samples.pop(metric))


def _filled(metric: Metric, samples: Iterable[tuple[str, Sample | HistogramSample]]) -> Family:
    family = _family(metric)
    for source, sample in samples:
        labels = [source, *sample.labels]
        if isinstance(family, HistogramMetricFamily) and isinstance(sample, HistogramSample):
            family.add_metric(labels, list(zip(_BOUNDS, sample.cumulative, strict=True)), sample.sum)
        elif not isinstance(family, HistogramMetricFamily) and isinstance(sample, Sample):
            family.add_metric(labels, sample.value)
        else:
            raise TypeError(f"{metric.name}: {type(sample).__name__} isn't a {metric.kind}")
    return family


def _samples(source: SourceMonitor) -> Iterator[Sample | HistogramSample]:
    yield Sample(UP, (), source.up)
    unreadable = source.unreadable
    if unreadable is not None:
        yield Sample(UNREADABLE, (unreadable,), 1)
        yield Sample(UNREADABLE_SINCE, (), source.unreadable_since)
    for poller in source.pollers:
        key = (poller.name,)
        yield Sample(COLLECTOR_SUCCESS, key, poller.samples is not None)
        if poller.reason is not None:
            yield Sample(COLLECTOR_FAILING, (poller.name, poller.reason), 1)
        if poller.duration is not None:
            yield Sample(COLLECTOR_DURATION, key, poller.duration)
        if poller.last_success is not None:
            yield Sample(COLLECTOR_LAST_SUCCESS, key, poller.last_success)
        yield from poller.samples or ()


def _family(metric: Metric) -> GaugeMetricFamily | CounterMetricFamily | HistogramMetricFamily:
    unit = "seconds" if metric.name.endswith("_seconds") else ""
    match metric.kind:
        case Kind.GAUGE:
            return GaugeMetricFamily(metric.name, metric.help, labels=metric.all_labels, unit=unit)
        case Kind.COUNTER:
            return CounterMetricFamily(metric.name, metric.help, labels=metric.all_labels)
        case Kind.HISTOGRAM:
            return HistogramMetricFamily(metric.name, metric.help, labels=metric.all_labels, unit=unit)

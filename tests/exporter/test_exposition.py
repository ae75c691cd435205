"""A page says of a metric what the catalogue says of it, or nothing."""

from types import SimpleNamespace
from typing import cast

import pytest

from exporter.exposition import Exposition
from exporter.samples import HistogramSample, Sample
from exporter.source import SourceMonitor
from jobqueue import catalogue as metrics
from jobqueue.catalogue import BUCKETS


def collected(*samples: Sample | HistogramSample) -> dict[str, list[float]]:
    """The values of a page on which one collector shows these samples, by the name of their family."""
    poller = SimpleNamespace(name="x", samples=samples, reason=None, duration=None, last_success=None)
    source = SimpleNamespace(name="main", up=True, unreadable=None, pollers=[poller])
    families = Exposition([cast("SourceMonitor", source)]).collect()
    return {family.name: [sample.value for sample in family.samples] for family in families}


def test_a_histogram_in_place_of_a_number_is_refused_and_the_other_way_round() -> None:
    histogram = HistogramSample(metrics.OLDEST_READY, ("mail",), [0] * (len(BUCKETS) + 1), 0.0)

    with pytest.raises(TypeError, match="jobqueue_oldest_ready_timestamp_seconds: HistogramSample isn't a gauge"):
        collected(histogram)
    with pytest.raises(TypeError, match="jobqueue_run_duration_seconds: Sample isn't a histogram"):
        collected(Sample(metrics.RUN_DURATION, ("mail",), 1.0))


def test_what_is_shown_of_a_source_stands_beside_its_samples() -> None:
    found = collected(Sample(metrics.OLDEST_READY, ("mail",), 7.0))

    assert found == {
        metrics.UP.name: [1.0],
        metrics.COLLECTOR_SUCCESS.name: [1.0],
        metrics.OLDEST_READY.name: [7.0],
    }

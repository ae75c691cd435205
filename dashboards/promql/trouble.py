"""What can't be read, so that an empty panel isn't taken for a calm queue: which source, why, and since when.

Each question gives one series per source and reason, whose value is when that was last read, in milliseconds, and 0
where it never was. A source that one exporter can't read and another can is no trouble of the dashboards.
"""

from dashboards.promql.select import COLLECTOR, by, by_source, first_of, series
from jobqueue.catalogue import (
    COLLECTOR_FAILING,
    COLLECTOR_LAST_SUCCESS,
    COLLECTOR_SUCCESS,
    UNREADABLE,
    UNREADABLE_SINCE,
    UP,
)

MOST = 3
"""So many sources have a place in the line."""

_REASON = ("source", "reason")
_STORE, _READERS = 'collector="store"', 'collector!="store"'
_WORDS = {
    "refused": "connection refused",
    "name": "unknown host or database",
    "tls": "TLS",
    "other": "see the exporter's log",
}
"""For reasons that don't speak for themselves."""


def sources() -> str:
    """Sources of which nothing can be read; as many as there is a place for."""
    return f"topk({MOST}, {with_words(f'{_unreadable()} * on (source) group_left () {_last_read()}')})"


def more_sources() -> str:
    """How many sources can't be read where that are more than are shown; nothing else."""
    return f"count({_unreadable()}) > {MOST}"


def parts() -> str:
    """Sources of which some things can't be read, and others can."""
    failing = f"{_failing(_READERS)} unless on (source) {_unreadable()}"
    return f"topk({MOST}, {with_words(f'min by (source, reason) ({_at_last_success(failing)})')})"


def counts_not_kept() -> str:
    """Sources that are read, and of which our tables can't be written."""
    failing = f"{_failing(_STORE)} unless on (source) {_unreadable()}"
    return f"topk({MOST}, {with_words(f'min by (source, reason) ({_at_last_success(failing)})')})"


def sources_without_exporter() -> str:
    """Sources that an exporter showed in the last day, and that none shows now."""
    moments = f"max by (source) (timestamp({series(UP)}))"
    return f"topk({MOST}, 1000 * max_over_time({moments}[1d:1m]) unless on (source) {by_source(UP)})"


def no_source_at_all() -> str:
    """0 where no exporter showed any source in the last day; nothing else."""
    return f"absent_over_time({UP.name}[1d]) - 1"


def _unreadable() -> str:
    """1 for each source that none of its exporters can read; one reason each, should they differ."""
    everywhere = f"count by (source) ({series(UNREADABLE)}) == count by (source) ({series(UP)})"
    return f"(topk by (source) (1, {by(_REASON, series(UNREADABLE))}) and on (source) ({everywhere}))"


def _last_read() -> str:
    """When each source was last read. An exporter that was started since doesn't know, and Prometheus does."""
    read = by_source(COLLECTOR_LAST_SUCCESS, 'collector="server"')
    return f"(1000 * ({first_of(read, f'max_over_time({read}[1d:1m])', by_source(UNREADABLE_SINCE))}))"


def _failing(collectors: str) -> str:
    """1 for each collector that fails in every exporter."""
    failing = by((*COLLECTOR, "reason"), series(COLLECTOR_FAILING, collectors))
    success = by(COLLECTOR, series(COLLECTOR_SUCCESS, collectors))
    return f"({failing} and on (source, collector) ({success} == 0))"


def _at_last_success(failing: str) -> str:
    last = by(COLLECTOR, series(COLLECTOR_LAST_SUCCESS))
    return first_of(f"1000 * ({failing}) * on (source, collector) group_left () {last}", f"0 * ({failing})")


def with_words(expression: str) -> str:
    """With the reason in words, as ``why``."""
    told = f'label_replace({expression}, "why", "$1 $2 $3", "reason", "([a-z]+)_?([a-z]*)_?([a-z]*)")'
    for reason, words in _WORDS.items():
        told = f'label_replace({told}, "why", "{words}", "reason", "{reason}")'
    return f'label_replace({told}, "why", "$1", "why", "(.*?) *")'

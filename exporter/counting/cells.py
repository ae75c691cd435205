"""Logarithmic buckets, 16 to a power of two, and their packed form.

Bucket ``b`` holds seconds in ``(2^((b-1)/16), 2^(b/16)]``, so that a whole power of two is the upper edge of a bucket
and Prometheus' ``le`` bounds are exact sums. A bucket's middle stands for its runs: at most 2^(1/32) - 1 = 2.19 % off.

A packed cell is one PostgreSQL ``int``: the sign bit tells waits from durations, ten bits hold the bucket + 512, 21
bits the count. The engines' SQL packs, this module unpacks.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

SUBDIVISIONS = 16
MAX_COUNT = 2**21 - 1
"""A cell holds no more: 35,000 runs a second in one cell of one minute."""

_OFFSET = 512
_SIGN = 2**31

Distribution = Counter[int]
"""Number of runs by bucket."""


def unpack(cells: Iterable[int]) -> tuple[Distribution, Distribution]:
    """Split packed cells into the distributions of durations and of waits."""
    durations, waits = Distribution(), Distribution()
    for cell in cells:
        distribution, bits = (durations, cell) if cell >= 0 else (waits, cell + _SIGN)
        distribution[(bits >> 21) - _OFFSET] += bits & MAX_COUNT
    return durations, waits


def pack(durations: Mapping[int, int], waits: Mapping[int, int]) -> list[int]:
    """Pack two distributions, sorted by bucket, durations first; counts saturate at ``MAX_COUNT``."""
    return [_pack(bucket, count) for bucket, count in sorted(durations.items()) if count] + [
        _pack(bucket, count) - _SIGN for bucket, count in sorted(waits.items()) if count
    ]


def _pack(bucket: int, count: int) -> int:
    return (bucket + _OFFSET) << 21 | min(count, MAX_COUNT)


def middle(bucket: int) -> float:
    """The seconds that stand for a bucket's runs."""
    return float(2 ** ((bucket - 0.5) / SUBDIVISIONS))


def percentile(distribution: Mapping[int, int], fraction: float, longest: float) -> float | None:
    """Estimate a percentile in seconds as ``percentile_cont`` defines it, within 2.2 %; None without runs.

    It interpolates between the two ranks around ``fraction * (runs - 1)`` and never exceeds the *longest* run. The one
    run that there is is the longest: its length is known exactly.
    """
    runs = sum(distribution.values())
    if not runs:
        return None
    if runs == 1:
        return longest
    rank = fraction * (runs - 1)
    below = int(rank)
    low = high = None
    seen = 0
    for bucket in sorted(distribution):
        seen += distribution[bucket]
        if low is None and seen > below:
            low = middle(bucket)
        if seen > min(below + 1, runs - 1):
            high = middle(bucket)
            break
    if low is None or high is None:  # pragma: no cover
        raise AssertionError("ranks lie inside the distribution")
    return min(low + (high - low) * (rank - below), longest)

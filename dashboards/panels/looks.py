"""Colours and words for values. Palette names follow the theme, light or dark; grey is the one that doesn't."""

from collections.abc import Mapping

from dashboards.house import Json

GOOD, SOON, WRONG, IN_PROGRESS, PLAIN, QUIET = "green", "orange", "red", "blue", "text", "#8e8e8e"
ABOVE = "purple"
"""Of the higher one of two percentiles."""
HUES = 6
"""So many series Grafana's palette tells apart: from the seventh on it repeats them a little darker."""

Word = tuple[str, str]
"""A text and its colour."""

NONE: Word = ("—", QUIET)


def steps(base: str, *from_value: tuple[float, str]) -> Json:
    """A colour from each value on; *base* below the first."""
    first: list[Json] = [{"color": base, "value": None}]
    return {"mode": "absolute", "steps": first + [{"color": color, "value": value} for value, color in from_value]}


def words(by_value: Mapping[int | str, Word]) -> list[Json]:
    """Words in place of values."""
    options = {
        str(value): {"text": text, "color": color, "index": number}
        for number, (value, (text, color)) in enumerate(by_value.items())
    }
    return [{"type": "value", "options": options}]


def signs(negative: Word, zero: Word, positive: Word) -> list[Json]:
    """Words for numbers below 0, for 0, and above it."""
    return [
        _between(-1e6, -1, negative, 0),
        _between(0, 0, zero, 1),
        _between(1, 1e6, positive, 2),
    ]


def _between(low: float, high: float, word: Word, number: int) -> Json:
    result = {"text": word[0], "color": word[1], "index": number}
    return {"type": "range", "options": {"from": low, "to": high, "result": result}}

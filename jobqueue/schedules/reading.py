"""Which grammar and which clock rule a dialect has."""

from collections.abc import Mapping
from typing import Final

from jobqueue.dialects import Dialect
from jobqueue.schedules.expression import read_croniter
from jobqueue.schedules.fields import Fields
from jobqueue.schedules.grammar import GRAPHILE, OBAN, PGBOSS, RIVER, Grammar, read_by

_GRAMMARS: Mapping[Dialect, Grammar] = {
    Dialect.PGBOSS: PGBOSS,
    Dialect.OBAN: OBAN,
    Dialect.GRAPHILE: GRAPHILE,
    Dialect.RIVER: RIVER,
}

SHOWN: Final = frozenset({Dialect.PGBOSS, Dialect.OBAN, Dialect.RIVER, Dialect.GRAPHILE})
"""The dialects whose scheduler compares the expression with the time that the clock shows."""


def read(expression: str, dialect: Dialect = Dialect.CRONITER) -> Fields:
    """The fields of *expression*; raises ``InvalidSchedule``."""
    grammar = _GRAMMARS.get(dialect)
    return read_croniter(expression) if grammar is None else read_by(grammar, expression)

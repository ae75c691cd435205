"""Which cron an engine speaks: each has a grammar and a clock rule of its own."""

from enum import StrEnum


class Dialect(StrEnum):
    """The cron of an engine's scheduler; ``docs/schedules.md`` compares them."""

    CRONITER = "croniter"
    """Ascent's, procrastinate's and PgQueuer's, by Python's croniter."""
    PGBOSS = "pg-boss"
    """pg-boss', by cron-parser of Node.js."""
    OBAN = "Oban"
    """Oban's own parser, for Python and Elixir."""
    GRAPHILE = "Graphile Worker"
    """Graphile Worker's own parser."""
    RIVER = "River"
    """River's, by Go's robfig/cron."""

"""The engines by name, written out: a name that isn't here doesn't exist."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobqueue.engine import Engine, OpenEngine
from jobqueue.engines import ascent, graphile, oban, pgboss, pgqueuer, procrastinate, river


@dataclass(frozen=True, slots=True)
class Registered:
    """An engine that can be configured."""

    default_schema: str
    open: OpenEngine


ENGINES: Mapping[str, Registered] = {
    "ascent": Registered(ascent.DEFAULT_SCHEMA, ascent.open_engine),
    "graphile": Registered(graphile.DEFAULT_SCHEMA, graphile.open_engine),
    "oban": Registered(oban.DEFAULT_SCHEMA, oban.open_engine),
    "pgboss": Registered(pgboss.DEFAULT_SCHEMA, pgboss.open_engine),
    "pgqueuer": Registered(pgqueuer.DEFAULT_SCHEMA, pgqueuer.open_engine),
    "procrastinate": Registered(procrastinate.DEFAULT_SCHEMA, procrastinate.open_engine),
    "river": Registered(river.DEFAULT_SCHEMA, river.open_engine),
}


def open_engine(name: str, schema: str | None) -> Engine:
    """Open the engine called *name* over *schema* (its own default if None).

    Raises ``KeyError`` for a name that the configuration would have refused.
    """
    engine = ENGINES[name]
    return engine.open(schema or engine.default_schema)

"""Structured logs on standard error: events with fields, for people or for machines."""

import logging
import sys

import structlog

from jobqueue.config import Log


def configure(log: Log) -> None:
    """Log events of at least the configured level, in the configured format; what libraries log as well."""
    level = logging.getLevelNamesMapping()[log.level.upper()]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if log.format == "console"
        else structlog.processors.JSONRenderer(default=str)
    )
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *processors],
        )
    )
    logging.basicConfig(handlers=[libraries], level=level)
    logging.getLogger("psycopg.pool").addFilter(_worth_a_line)


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Whoever closes a connection to be rid of its locks does so on purpose: the pool warns of it."""
    return not str(record.msg).startswith("discarding closed connection")

"""Structured logs on standard error: events with fields, for people or for machines."""

import logging
import sys
from collections.abc import Iterator
from traceback import format_tb
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from jobqueue.config import Log
from jobqueue.terminal import visible, visible_lines

_OF_LINES = frozenset({"exception", "frames"})
"""Fields that keep their lines: these are places in the code."""


def configure(log: Log) -> None:
    """Log events of at least the configured level, in the configured format; what libraries log as well.

    Whatever a text holds, an event stays one event, and a terminal does nothing but show it. Of an exception its kind
    and its place in the code are logged, and never its message, which may quote a request or a row.
    """
    level = logging.getLevelNamesMapping()[log.level.upper()]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if log.format == "console"
        else structlog.processors.JSONRenderer(default=str)
    )
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exception_without_message,
    ]
    rendering: list[Processor] = [_made_visible, renderer] if log.format == "console" else [renderer]
    structlog.configure(
        processors=[*processors, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *processors],
        )
    )
    logging.basicConfig(handlers=[libraries], level=level)
    logging.getLogger("psycopg.pool").addFilter(_worth_a_line)
    sys.excepthook = _end_of_the_program


def places(error: BaseException) -> str:
    """Where in the code an error was raised, line by line; nothing of its message."""
    return "".join(format_tb(error.__traceback__))


def _exception_without_message(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(f"{places(one)}{type(one).__qualname__}" for one in _chain(error))
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error after those that led to it."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _chain(before)
    yield error


def _made_visible(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    return {
        visible(str(key)): visible_lines(value) if key in _OF_LINES and isinstance(value, str) else _visible(value)
        for key, value in event.items()
    }


def _visible(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return visible(value)
        case _:
            return visible(repr(value))


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Whoever closes a connection to be rid of its locks does so on purpose: the pool warns of it."""
    return not str(record.msg).startswith("discarding closed connection")


def _end_of_the_program(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    structlog.get_logger().critical("program.failed", exc_info=error)

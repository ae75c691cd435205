"""How the platform logs: events with fields, for people."""

import sys

import structlog


def configure() -> None:
    """Write to standard output, in colours on a terminal."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty()),
        ]
    )

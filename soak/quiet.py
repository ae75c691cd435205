"""Keeps what workers and their libraries say about outages out of sight: outages are the point."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog


@contextmanager
def quiet(file: Path) -> Iterator[None]:
    """Have standard error, that of programs that we start included, written to *file*."""
    sys.stderr.flush()
    kept = os.dup(sys.stderr.fileno())
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    try:
        with file.open("ab") as log:
            os.dup2(log.fileno(), sys.stderr.fileno())
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, sys.stderr.fileno())
        os.close(kept)

"""A platform at work: jobs come, start and finish, so many each second."""

from collections.abc import Sequence
from itertools import cycle, islice
from threading import Event, Thread
from time import monotonic
from typing import Self

import psycopg

from jobqueue.sql import load

_TICK_SECONDS = 0.1


class Writer(Thread):
    """Lets *per_second* jobs finish each second while it is entered as a context.

    What is due is queued, started and finished in a transaction each, a tick apart; jobs still running at the end
    finish then. Raises at the end what went wrong.
    """

    def __init__(self, url: str, per_second: float, job_types: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self.finished = 0
        self._url = url
        self._per_second = per_second
        self._job_types = cycle(job_types)
        self._end = Event()
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()
        if self._error is not None:
            raise self._error

    def run(self) -> None:
        """Work until the context ends."""
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 -- raised in the thread that waits for this one
            self._error = error

    def _work(self) -> None:
        queries = load("bench", "writer.sql")
        with psycopg.connect(self._url, autocommit=True) as conn:
            began = monotonic()
            queued = 0
            running: list[int] = []
            while not self._end.wait(max(0.0, _TICK_SECONDS - (monotonic() - began) % _TICK_SECONDS)):
                due = int((monotonic() - began) * self._per_second) - queued
                queued += due
                job_types = list(islice(self._job_types, due))
                ids = [number for (number,) in conn.execute(queries["queue"], {"job_types": job_types})]
                conn.execute(queries["start"], {"ids": ids})
                self.finished += conn.execute(queries["finish"], {"ids": running}).rowcount
                running = ids
            self.finished += conn.execute(queries["finish"], {"ids": running}).rowcount

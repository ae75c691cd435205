"""Other engines for the demo: their real packages and workers, doing the work that ``work.py`` describes.

Each is a package with ``__main__.py``: ``install`` makes the queue, ``run`` works until it is told to end, both on
DATABASE_URL. ``source`` says what exporter and control API are told.
"""

from collections.abc import Mapping

from demo.engines.work import RECURRING

ENGINES = ("pgboss", "procrastinate")

_SCHEDULES_IN_CODE = ("procrastinate",)


def source(engine: str) -> Mapping[str, object]:
    """What a configured source has besides its name and address: its engine, and schedules that stand in code only."""
    if engine not in _SCHEDULES_IN_CODE:
        return {"engine": engine}
    schedules = [{"job_type": name, "cron": cron, "description": text} for name, cron, text in RECURRING]
    return {"engine": engine, "schedules": schedules}

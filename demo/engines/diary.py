"""What workers write down of each attempt that came to its end, for somebody who wants to compare.

Each line is ``DATABASE JOB OUTCOME``, with completed or failed for the outcome, in the file that ``WORK_DIARY`` names;
without that nothing is written. The programs in other languages, and of another Python, do the same.
"""

import os
from pathlib import Path

VARIABLE = "WORK_DIARY"


def note(database: str, job: object, *, failed: bool) -> None:
    """Write it down before the engine is told: a crash may come between."""
    if file := os.environ.get(VARIABLE):
        with Path(file).open("a") as diary:
            diary.write(f"{database} {job} {'failed' if failed else 'completed'}\n")

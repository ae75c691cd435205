"""Runs that are slow for hours, beside a week in which they weren't."""

from collections.abc import Iterator
from itertools import accumulate
from random import Random

from jobqueue import catalogue as metrics
from tests.alerts.scene import About, Scene, Trouble

JOB = "files.thumbnail"
_DAY = 24 * 60
_USUAL, _SLOW = (0.8, 1), (3, 4)
"""How many seconds a run takes, and the bucket's bound that it is below."""
_BOUNDS = (0.5, 1, 2, 4, 8)


def durations(step: int, steps: int) -> Iterator[Scene]:
    """Scenes of slow runs on the ninth day, once with a single exporter and once with two."""
    for number, replicas in enumerate(("a", "ab")):
        dice = Random(f"durations {number}")
        begin = 8 * _DAY + dice.randint(60, 600)
        scene = Scene(f"{step} min slow {number}", step, steps)
        scene.show(metrics.UP, lambda _: 1)
        scene.disturb(dice, replicas)
        _run(scene, dice, Trouble(begin, begin + dice.randint(400, 700)))
        yield scene


def _run(scene: Scene, dice: Random, trouble: Trouble) -> None:
    """More than a hundred runs an hour, in the trouble nine of ten slow; and two gaps in the midst of it.

    No restart, for at this step it would be an outage of half an hour, and runs that nobody counts.
    """
    middle = (trouble.begin + trouble.end) // 2 // scene.step
    scene.unread |= {middle - 3}
    scene.down |= {middle + 3}
    runs = [dice.randint(2 * scene.step, 3 * scene.step) for _ in range(scene.steps)]
    slow = [round(0.9 * count) if step in scene.during(trouble) else 0 for step, count in enumerate(runs)]
    ended, late = list(accumulate(runs)), list(accumulate(slow))
    usual_seconds, usual_bound = _USUAL
    slow_seconds, slow_bound = _SLOW
    for bound in (*_BOUNDS, float("inf")):
        below = [
            (count - of if bound >= usual_bound else 0) + (of if bound >= slow_bound else 0)
            for count, of in zip(ended, late, strict=True)
        ]
        le = "+Inf" if bound == float("inf") else f"{bound:g}"
        scene.show_steps(metrics.RUN_DURATION, below, "_bucket", job_type=JOB, le=le)
    total = [usual_seconds * (count - of) + slow_seconds * of for count, of in zip(ended, late, strict=True)]
    scene.show_steps(metrics.RUN_DURATION, total, "_sum", job_type=JOB)
    scene.show_steps(metrics.RUN_DURATION, ended, "_count", job_type=JOB)
    scene.show_steps(metrics.RUNS, ended, job_type=JOB)
    scene.show(metrics.DAY_RUNS, lambda _: 2000, job_type=JOB)
    scene.told[About("JobQueueDurationRegressed", "warning", JOB)] = trouble

"""Troubles of hours, one for each alert that isn't about schedules, in a queue that is well otherwise."""

from collections.abc import Callable, Iterator
from itertools import accumulate
from random import Random

from demo.series import Value
from jobqueue import catalogue as metrics
from jobqueue.catalogue import Metric
from tests.alerts.scene import About, Scene, Trouble

STEP, MINUTES = 2, 5 * 60
JOB = "files.thumbnail"
_CASES = 2
"""Of each trouble: one with a single exporter and one with two."""
_QUEUE = ("JobQueueReadyAgeHigh", "JobQueueStalled", "JobQueueWorkerOffline")

Making = Callable[[Scene, Random, Trouble], None]


def troubles() -> Iterator[Scene]:
    """Scenes of every trouble, each time of another begin and length."""
    for making in _MAKINGS:
        for number in range(_CASES):
            name = making.__name__.removeprefix("_").replace("_", " ")
            dice = Random(f"{name} {number}")
            begin = dice.randint(5, 30)
            scene = Scene(f"{name} {number}", STEP, MINUTES // STEP)
            _all_well(scene, dice)
            scene.disturb(dice, "ab" if number % 2 else "a")
            making(scene, dice, Trouble(begin, begin + dice.randint(150, 210)))
            yield scene


def _all_well(scene: Scene, dice: Random) -> None:
    """A job type with two runs or so a minute, two workers, a janitor."""
    scene.show(metrics.UP, lambda _: 1)
    for collector in ("runs", "workers"):
        scene.show(metrics.COLLECTOR_SUCCESS, lambda _: 1, collector=collector)
        scene.show(metrics.COLLECTOR_LAST_SUCCESS, lambda minute: 60 * minute - 7, collector=collector)
    scene.show(metrics.JOBS, lambda minute: minute % 7, job_type=JOB, state="pending")
    scene.show(metrics.LAST_RUN, lambda minute: 60 * minute - 20, job_type=JOB)
    scene.show(metrics.OLDEST_READY, lambda minute: 60 * minute - 15 if minute % 3 else None, job_type=JOB)
    scene.show(metrics.OLDEST_ACTIVE, lambda minute: 60 * minute - 9, job_type=JOB)
    _runs(scene, dice, Trouble(0, 0), rate=2, share=0)
    for worker in ("w1", "w2"):
        _worker(scene, worker, lambda _: True)
        scene.show(metrics.WORKER_CURRENT_START, lambda minute: 60 * minute - 9, worker=worker, job_type=JOB)
    for kind in ("job_types", "schedules", "workers"):
        scene.show(metrics.FOLDED, lambda _: 0, kind=kind)
    scene.show(metrics.JANITOR_INTERVAL, lambda _: 900)
    scene.show(metrics.JANITOR_LAST_RUN, lambda minute: 900 * (minute // 15))
    scene.show(metrics.CONTROL_ACTIONS, lambda _: 0, action="fail-active", outcome="done")


def _runs(scene: Scene, dice: Random, trouble: Trouble, *, rate: int, share: float) -> None:
    """Of so many runs a minute a share fails while the trouble lasts, more or less."""
    runs = [dice.randint(rate, rate + 1) for _ in range(MINUTES)]
    failures = [
        round(count * share * dice.uniform(0.8, 1.2)) if minute in range(trouble.begin, trouble.end) else 0
        for minute, count in enumerate(runs)
    ]
    for metric, counts in ((metrics.RUNS, runs), (metrics.RUN_FAILURES, failures)):
        scene.show(metric, list(accumulate(counts)).__getitem__, job_type=JOB)


def _worker(
    scene: Scene, worker: str, online: Callable[[int], bool], until: int = MINUTES, version: str = "4.12.0"
) -> None:
    """Its row, up to a minute."""
    last = list(accumulate((60 * minute if online(minute) else 0 for minute in range(MINUTES)), max))
    info = {"hostname": worker, "pid": "1", "mode": "worker", "version": version}
    scene.show(metrics.WORKER_INFO, lambda minute: 1 if minute < until else None, worker=worker, **info)
    scene.show(metrics.WORKER_ONLINE, lambda minute: online(minute) if minute < until else None, worker=worker)
    scene.show(metrics.WORKER_LAST_SEEN, lambda minute: last[minute] if minute < until else None, worker=worker)


def _while(scene: Scene, trouble: Trouble, metric: Metric, value: Callable[[int], Value], **labels: str) -> None:
    """Show *value* while the trouble lasts, and what was shown without it before and after."""
    usual = scene.shown(metric, **labels)
    within = range(trouble.begin, trouble.end)
    scene.show(metric, lambda minute: value(minute) if minute in within else usual[minute // scene.step], **labels)


def _jobs_wait(scene: Scene, dice: Random, trouble: Trouble) -> None:
    """Runs end, but the oldest job that waits is a quarter of an hour old and more, now older and now younger."""
    ages = [dice.randint(16, 40) for _ in range(MINUTES)]
    since = trouble.begin - 1
    _while(scene, trouble, metrics.OLDEST_READY, lambda at: 60 * max(since, at - ages[at]) - 30, job_type=JOB)
    scene.told |= {About("JobQueueReadyAgeHigh", severity, JOB): trouble for severity in ("warning", "critical")}


def _nobody_does_it(scene: Scene, dice: Random, trouble: Trouble) -> None:
    """The janitor cancels what has waited for an hour, each quarter of an hour."""
    since, phase = trouble.begin - 1, dice.randint(0, 14)
    oldest = {at: max(since, (at + phase) // 15 * 15 - phase - 60) for at in range(MINUTES)}
    _while(scene, trouble, metrics.OLDEST_READY, lambda at: 60 * oldest[at], job_type=JOB)
    _while(scene, trouble, metrics.LAST_RUN, lambda _: 60 * since, job_type=JOB)
    scene.told[About("JobQueueStalled", "critical", JOB)] = trouble
    scene.also["JobQueueReadyAgeHigh"] = trouble


def _backlog_grows(scene: Scene, dice: Random, trouble: Trouble) -> None:
    """By a quarter or more in half an hour, for as long as it lasts; then it drains."""
    growth: float = dice.uniform(1.25, 1.5) ** (1 / 30)
    top: float = 60 * growth ** (trouble.end - trouble.begin)
    noise = [dice.uniform(0.99, 1.01) for _ in range(MINUTES)]

    def pending(minute: int) -> float:
        if minute < trouble.begin:
            return 60.0
        grown: float = min(60 * growth ** (minute - trouble.begin) * noise[minute], top)
        return float(round(grown * 0.97 ** max(0, minute - trouble.end)))

    scene.show(metrics.JOBS, pending, job_type=JOB, state="pending")
    scene.told[About("JobQueueBacklogGrowing", "warning", JOB)] = trouble


def _workers_are_gone(scene: Scene, dice: Random, trouble: Trouble) -> None:
    """Both die; the janitor takes their rows; new ones come."""
    reaped = trouble.begin + dice.randint(6, 19)
    for worker in ("w1", "w2"):
        _worker(scene, worker, lambda minute: minute < trouble.begin, until=reaped)
        _worker(scene, f"{worker} new", lambda minute: minute >= trouble.end)
        scene.hide_before(trouble.end, worker=f"{worker} new")
        gone = Trouble(trouble.begin, MINUTES)
        _while(scene, gone, metrics.WORKER_CURRENT_START, lambda _: None, worker=worker, job_type=JOB)
    _nobody_does_it(scene, dice, trouble)
    scene.told[About("JobQueueNoWorkersOnline", "critical")] = trouble
    scene.also |= dict.fromkeys(_QUEUE, trouble)


def _worker_dies(scene: Scene, dice: Random, trouble: Trouble) -> None:
    """Nobody takes its row away before the trouble's end, or it comes back."""
    comes_back = dice.random() < 0.5
    dead = range(trouble.begin, trouble.end if comes_back else MINUTES)
    _worker(scene, "w2", lambda minute: minute not in dead, until=MINUTES if comes_back else trouble.end)
    _while(
        scene, Trouble(trouble.begin, MINUTES), metrics.WORKER_CURRENT_START, lambda _: None, worker="w2", job_type=JOB
    )
    scene.told[About("JobQueueWorkerOffline", "warning")] = trouble


def _worker_hangs(scene: Scene, dice: Random, trouble: Trouble) -> None:
    since = 60 * trouble.begin - dice.randint(1, 50)
    _while(scene, trouble, metrics.WORKER_CURRENT_START, lambda _: since, worker="w1", job_type=JOB)
    scene.told[About("JobQueueWorkerStuck", "warning", JOB)] = trouble


def _job_hangs(scene: Scene, dice: Random, trouble: Trouble) -> None:
    """First one, then another that began half an hour later and more."""
    change = dice.randint(trouble.begin + 70, trouble.end - 70)
    since = {False: 60 * trouble.begin - 10, True: 60 * (change - dice.randint(35, 60))}
    _while(scene, trouble, metrics.OLDEST_ACTIVE, lambda minute: since[minute >= change], job_type=JOB)
    scene.told[About("JobQueueActiveTooLong", "warning", JOB)] = trouble


def _rollout_stops(scene: Scene, dice: Random, trouble: Trouble) -> None:
    """A new version on one machine; the worker there begins anew in the middle."""
    middle = dice.randint(trouble.begin + 70, trouble.end - 70)
    for name, begin, end in (("n1", trouble.begin, middle), ("n2", middle, trouble.end)):
        _worker(scene, name, lambda _: True, until=end, version="4.13.0")
        scene.hide_before(begin, worker=name)
    scene.told[About("JobQueueVersionSkew", "info")] = trouble


def _many_runs_fail(scene: Scene, dice: Random, trouble: Trouble) -> None:
    _runs(scene, dice, trouble, rate=dice.randint(8, 15), share=dice.uniform(0.25, 0.9))
    scene.told[About("JobQueueFailureRateHigh", "warning", JOB)] = trouble
    scene.told |= {About("JobQueueFailureBudgetBurn", severity, JOB): trouble for severity in ("warning", "critical")}


def _some_runs_fail(scene: Scene, dice: Random, trouble: Trouble) -> None:
    """Too few for a warning at once, too many for the budget."""
    _runs(scene, dice, trouble, rate=50, share=dice.uniform(0.08, 0.09))
    scene.told[About("JobQueueFailureBudgetBurn", "warning", JOB)] = trouble


def _exporter_is_gone(scene: Scene, _: Random, trouble: Trouble) -> None:
    scene.down |= set(scene.during(trouble))
    scene.restarts |= {scene.during(trouble).stop}
    scene.told[About("JobQueueExporterDown", "critical")] = trouble


def _database_is_gone(scene: Scene, _: Random, trouble: Trouble) -> None:
    scene.unread |= set(scene.during(trouble))
    scene.told[About("JobQueueSourceUnreadable", "critical")] = trouble


def _collector_fails(scene: Scene, _: Random, trouble: Trouble) -> None:
    _while(scene, trouble, metrics.COLLECTOR_SUCCESS, lambda _: 0, collector="runs")
    _while(scene, trouble, metrics.LAST_RUN, lambda _: None, job_type=JOB)
    scene.told[About("JobQueueCollectorFailing", "warning")] = trouble


def _collector_hangs(scene: Scene, _: Random, trouble: Trouble) -> None:
    """Until the exporter is started anew: so that isn't done meanwhile."""
    scene.restarts, scene.one_dead = set(), range(0)
    _while(scene, trouble, metrics.COLLECTOR_LAST_SUCCESS, lambda _: 60 * trouble.begin, collector="runs")
    scene.told[About("JobQueueDataStale", "warning")] = trouble


def _standby_lags(scene: Scene, dice: Random, trouble: Trouble) -> None:
    """Its figures of the present are absent meanwhile; a little lag is none."""
    behind = [dice.uniform(61, 4000) for _ in range(MINUTES)]
    scene.show(metrics.REPLAY_LAG, lambda at: behind[at] if trouble.begin <= at < trouble.end else dice.uniform(0, 50))
    for metric in (metrics.OLDEST_READY, metrics.OLDEST_ACTIVE):
        _while(scene, trouble, metric, lambda _: None, job_type=JOB)
    _while(scene, trouble, metrics.JOBS, lambda _: None, job_type=JOB, state="pending")
    _while(scene, trouble, metrics.COLLECTOR_SUCCESS, lambda _: 0, collector="workers")
    for worker in ("w1", "w2"):
        for metric in (metrics.WORKER_ONLINE, metrics.WORKER_LAST_SEEN):
            _while(scene, trouble, metric, lambda _: None, worker=worker)
    scene.told[About("JobQueueReplicaLagging", "warning")] = trouble
    scene.told[About("JobQueueCollectorFailing", "warning")] = trouble


def _names_are_folded(scene: Scene, dice: Random, trouble: Trouble) -> None:
    """Now more and now fewer."""
    folded = [dice.randint(1, 40) for _ in range(MINUTES)]
    _while(scene, trouble, metrics.FOLDED, folded.__getitem__, kind=dice.choice(["job_types", "schedules", "workers"]))
    scene.told[About("JobQueueNamesFolded", "warning")] = trouble


def _janitor_stops(scene: Scene, dice: Random, trouble: Trouble) -> None:
    """The control API with it, for a part of the time."""
    gone = range(trouble.begin + 60, trouble.begin + dice.randint(100, 130))
    _while(scene, trouble, metrics.JANITOR_LAST_RUN, lambda at: None if at in gone else 60 * trouble.begin)
    scene.show(metrics.JANITOR_INTERVAL, lambda at: None if at in gone else 900)
    scene.told[About("JobQueueJanitorNotRunning", "warning")] = trouble


def _admin_fails_jobs(scene: Scene, dice: Random, trouble: Trouble) -> None:
    """Again and again, every ten minutes or so; the last time is the end. The control API begins anew in between."""
    times = {*range(trouble.begin, trouble.end, dice.randint(5, 12)), trouble.end}
    anew = next(minute + 3 for minute in sorted(times) if minute > trouble.begin + 60)
    done = list(accumulate(minute in times for minute in range(MINUTES)))
    scene.show(
        metrics.CONTROL_ACTIONS,
        lambda at: None if at in (anew, anew + 1) else done[at] - (done[anew] if at > anew else 0),
        action="fail-active",
        outcome="done",
    )
    scene.told[About("JobQueueDestructiveAction", "info")] = trouble


_MAKINGS: tuple[Making, ...] = (
    _jobs_wait,
    _nobody_does_it,
    _backlog_grows,
    _workers_are_gone,
    _worker_dies,
    _worker_hangs,
    _job_hangs,
    _rollout_stops,
    _many_runs_fail,
    _some_runs_fail,
    _exporter_is_gone,
    _database_is_gone,
    _collector_fails,
    _collector_hangs,
    _standby_lags,
    _names_are_folded,
    _janitor_stops,
    _admin_fails_jobs,
)

"""One source as Prometheus sees it: with a trouble, and with what happens to every exporter and must change nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from demo.series import Value
from jobqueue import catalogue as metrics
from jobqueue.catalogue import CONTROL_METRICS, Kind, Metric

_CONTROL = {metric.name for metric in CONTROL_METRICS}


@dataclass(frozen=True, slots=True)
class About:
    """What an alert is about, inside of its source."""

    alert: str
    severity: str
    job_type: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """From when until when something is wrong, in minutes: as the exporter shows it."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class _Line:
    metric: Metric
    labels: tuple[tuple[str, str], ...]
    suffix: str


class Scene:
    """The series of one source, in steps of so many minutes."""

    def __init__(self, source: str, step: int, steps: int) -> None:
        self.source, self.step, self.steps = source, step, steps
        self.told: dict[About, Trouble] = {}
        """What must fire."""
        self.also: dict[str, Trouble] = {}
        """Alerts that may fire meanwhile: they have troubles of their own elsewhere."""
        self.replicas = "a"
        self.down: set[int] = set()
        """The steps in which nothing can be scraped."""
        self.unread: set[int] = set()
        """The steps in which the database doesn't answer."""
        self.restarts: set[int] = set()
        """The steps at which counters begin at 0 again."""
        self.one_dead: range = range(0)
        """The steps in which the second replica is gone."""
        self._lines: dict[_Line, list[Value]] = {}

    def show(self, metric: Metric, value: Callable[[int], Value], suffix: str = "", **labels: str) -> None:
        """Have a series with the value of each minute; one that was there already is replaced."""
        self.show_steps(metric, [value(step * self.step) for step in range(self.steps)], suffix, **labels)

    def show_steps(self, metric: Metric, values: Sequence[Value], suffix: str = "", **labels: str) -> None:
        """Have a series with the value of each step."""
        self._lines[_Line(metric, tuple(sorted(labels.items())), suffix)] = list(values)

    def shown(self, metric: Metric, **labels: str) -> list[Value]:
        """The values that a series has so far."""
        return self._lines[_Line(metric, tuple(sorted(labels.items())), "")]

    def hide_before(self, minute: int, **labels: str) -> None:
        """Have no series with these labels before a minute."""
        for line, values in self._lines.items():
            if labels.items() <= dict(line.labels).items():
                before = -(-minute // self.step)
                values[:before] = [None] * before

    def disturb(self, dice: Random, replicas: str) -> None:
        """Let things happen that are no trouble: a restart, a scrape and a read that fail, a replica that dies."""
        self.replicas = replicas
        # The second comes late: an alert that waits for an hour shall have begun.
        parts = (0.05, 0.36, 0.42, 0.48, 0.55, 0.62, 0.8)
        places = [round(self.steps * (part + dice.uniform(-0.01, 0.01))) for part in parts]
        self.unread |= {places[1], places[4]}
        if len(replicas) > 1:
            self.one_dead = range(places[2], places[5])
            return
        self.down |= {places[0], places[3], places[6]}
        for place in (places[2], places[5]):
            self.restart(place)

    def during(self, trouble: Trouble) -> range:
        """Its steps."""
        return range(-(-trouble.begin // self.step), -(-trouble.end // self.step))

    def restart(self, step: int) -> None:
        """End the exporter at *step*; two minutes later it is back."""
        back = step + -(-2 // self.step)
        self.down |= set(range(step, back))
        self.restarts |= {back}

    def series(self) -> Iterator[tuple[str, Sequence[Value]]]:
        """Each with a value for every step; None where it is absent."""
        for line, values in self._lines.items():
            for replica in "c" if line.metric.name in _CONTROL else self.replicas:
                labels = {"instance": replica, "source": self.source, **dict(line.labels)}
                written = ",".join(f'{name}="{value}"' for name, value in labels.items())
                yield f"{line.metric.name}{line.suffix}{{{written}}}", list(self._seen(line.metric, values, replica))

    def _seen(self, metric: Metric, values: Sequence[Value], replica: str) -> Iterator[Value]:
        counts = metric.kind is not Kind.GAUGE
        before, newest = 0.0, None
        for step, value in enumerate(values):
            if counts and (step in self.restarts or step == self.one_dead.stop) and value is not None:
                before = value
            if replica != "c" and (step in self.down or (replica == "b" and step in self.one_dead)):
                yield None
            elif replica != "c" and step in self.unread:
                if metric in (metrics.UP, metrics.COLLECTOR_SUCCESS):
                    yield 0
                else:
                    yield newest if metric is metrics.COLLECTOR_LAST_SUCCESS else None
            else:
                newest = value
                yield value - before if counts and value is not None else value

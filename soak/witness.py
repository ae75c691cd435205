"""What workers wrote down themselves, beside what the triggers did: neither is believed alone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from soak.servers import FLOOD, TRUTH, Place


@dataclass(frozen=True, slots=True)
class Witness:
    """How the truth of one source and its workers' diaries agree."""

    unwitnessed: int
    """Completed ends of which no worker knows."""
    given_up: int
    """Failed ends of which no worker knows: the engine gave up jobs whose worker was gone."""
    uncommitted: int
    """Work that was done while its end came to nothing: the worker or the server was gone by then."""

    def __str__(self) -> str:
        return f"{self.unwitnessed} unwitnessed, {self.given_up} given up, {self.uncommitted} not committed"


async def witnesses(places: Mapping[str, Place], diary: Path) -> dict[str, Witness]:
    """Compare all sources but the flood, whose writer keeps no diary."""
    noted = read(diary)
    found = {}
    for source, place in places.items():
        if source != FLOOD:
            rows = await place.ask(TRUTH["witnessed"])
            ended = Counter({(row["job"], row["state"]): row["times"] for row in rows})
            found[source] = compare(ended, noted.get(place.database, Counter()))
    return found


def read(diary: Path) -> dict[str, Counter[tuple[str, str]]]:
    """How often each job came to which outcome, by database."""
    found: dict[str, Counter[tuple[str, str]]] = {}
    for line in diary.read_text().splitlines() if diary.exists() else []:
        database, job, outcome = line.split()
        found.setdefault(database, Counter())[job, outcome] += 1
    return found


def compare(ended: Counter[tuple[str, str]], noted: Counter[tuple[str, str]]) -> Witness:
    """Set ends of jobs beside what workers noted."""
    unknown = ended - noted
    return Witness(
        sum(times for (_, state), times in unknown.items() if state == "completed"),
        sum(times for (_, state), times in unknown.items() if state == "failed"),
        sum(times for (_, state), times in (noted - ended).items() if state == "completed"),
    )

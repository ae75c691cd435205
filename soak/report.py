"""What a soak has found, as text."""

from collections.abc import Iterator, Mapping

from soak.figures import Ends
from soak.monkey import Monkey
from soak.plan import KINDS, Plan
from soak.verdict import Difference, Verdict


def report(plan: Plan, verdict: Verdict, monkey: Monkey, restarts: Mapping[str, int], disk: str) -> Iterator[str]:
    """Tell everything, line by line."""
    yield f"soak of {plan.minutes:g} minutes, seed {plan.seed}"
    yield ""
    yield from _table(verdict.ends, verdict.differences)
    yield ""
    yield "increase in Prometheus, and what restarts explain"
    for source, increase in verdict.increases.items():
        mark = "" if increase.is_explained else "   NOT EXPLAINED"
        yield f"  {source:<14} {increase}{mark}"
    yield ""
    yield "what workers wrote down themselves, beside the truth"
    for source, witness in verdict.witnesses.items():
        yield f"  {source:<14} {witness}"
    yield ""
    yield "the monkey: " + _counts(monkey.done)
    yield "  was prevented from: " + _counts(monkey.prevented)
    yield f"  disk: {disk}; failover: an immediate stop and recovery of the same server; left out: {_left_out(plan)}"
    yield "workers were started again: " + _counts(restarts)
    yield from (f"TROUBLE: {line}" for trouble in verdict.troubles for line in trouble.splitlines())
    yield ""
    sums = [each for row in verdict.differences.values() for each in row.values()]
    lost, doubled = max((each.lost for each in sums), default=0), max((each.doubled for each in sums), default=0)
    ends = sum(each.runs + each.cancelled for each in verdict.ends.values())
    outcome = "nothing lost, nothing doubled" if verdict.is_clean else f"AMISS: worst figure -{lost} +{doubled}"
    yield f"{ends:,} ends: {outcome}"


def _table(ends: Mapping[str, Ends], differences: Mapping[str, Mapping[str, Difference]]) -> Iterator[str]:
    yield f"{'source':<14} {'runs':>10} {'failed':>8} {'cancelled':>9}"
    for source, each in ends.items():
        yield f"{source:<14} {each.runs:>10,} {each.failures:>8,} {each.cancelled:>9,}"
    yield ""
    yield "figures that differ from the truth (too low, too high)"
    for name, row in differences.items():
        off = [f"{source} {each}" for source, each in row.items() if not each.is_none]
        yield f"  {name:<28} {'; '.join(off) or 'exact'}"


def _counts(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(numbers.items()) if number) or "nothing"


def _left_out(plan: Plan) -> str:
    return ", ".join(kind for kind in KINDS if kind not in plan.kinds) or "nothing"

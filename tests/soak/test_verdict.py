"""What a soak calls lost, doubled and explained."""

from collections import Counter
from pathlib import Path

import pytest

from soak.figures import Ends
from soak.verdict import Difference, Increase, Verdict, compare, merged
from soak.witness import Witness, read
from soak.witness import compare as set_beside


def test_the_truth_itself_differs_in_nothing() -> None:
    truth = {"river": {"mail": Ends(10, 2, 1), "report": Ends(5, 0, 0)}}

    assert compare(truth, truth, cancelled=True) == {"river": Difference()}
    assert str(Difference()) == "exact"


def test_what_one_type_lost_and_another_has_doubled_is_not_set_off() -> None:
    truth = {"river": {"mail": Ends(10, 2, 1), "report": Ends(5, 0, 0)}}
    kept = {"river": {"mail": Ends(9, 1, 0), "report": Ends(6, 0, 0)}}

    assert compare(truth, kept, cancelled=True) == {"river": Difference(lost=2, doubled=1, failures=1)}
    assert compare(truth, kept, cancelled=False) == {"river": Difference(lost=1, doubled=1, failures=1)}


def test_a_source_of_which_nothing_was_kept_is_lost_and_a_type_that_never_ended_doubled() -> None:
    assert compare({"oban": {"mail": Ends(3, 1, 1)}}, {}, cancelled=True) == {"oban": Difference(4, 0, 1)}
    assert compare({"oban": {}}, {"oban": {"mail": Ends(3, 1, 1)}}, cancelled=True) == {"oban": Difference(0, 4, 1)}


@pytest.mark.parametrize(("runs", "explained"), [(100, True), (85, True), (84, False), (105, True), (106, False)])
def test_an_increase_may_lack_what_restarts_hid_and_exceed_by_the_margin_alone(runs: int, explained: bool) -> None:
    assert Increase(runs, truth=100, blind=10, margin=5).is_explained is explained


def test_a_life_too_short_for_prometheus_is_blind_too() -> None:
    assert merged([(200, 210), (0, 10), (20, 25), (190, 195)]) == [(0, 25), (190, 210)]


def test_a_verdict_is_clean_when_everything_is() -> None:
    assert Verdict(differences={"run_minutes": {"river": Difference()}}).is_clean
    assert not Verdict(differences={"run_minutes": {"river": Difference(lost=1)}}).is_clean
    assert not Verdict(increases={"river": Increase(10, 100, 0, 5)}).is_clean
    assert not Verdict(witnesses={"river": Witness(1, 0, 0)}).is_clean
    assert not Verdict(troubles=["exporter-1 ended by itself"]).is_clean


def test_workers_diaries_are_set_beside_the_truth(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    diary.write_text("river 1 failed\nriver 1 completed\nriver 2 completed\nriver 3 completed\noban 1 completed\n")

    noted = read(diary)

    assert noted["oban"] == {("1", "completed"): 1}
    ended = Counter({("1", "completed"): 1, ("2", "completed"): 2, ("4", "failed"): 1})
    assert set_beside(ended, noted["river"]) == Witness(unwitnessed=1, given_up=1, uncommitted=1)

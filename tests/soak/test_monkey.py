"""The monkey of a soak."""

import pytest

from soak.__main__ import main
from soak.monkey import ACTS
from soak.plan import FAIR, KINDS, Plan


def test_every_kind_can_be_done_and_those_that_are_unfair_are_left_out_by_default() -> None:
    assert set(ACTS) == set(KINDS)
    assert Plan(seed=1).kinds == FAIR


@pytest.mark.parametrize(
    "arguments", [["--minutes", "0"], ["--minutes", "1441"], ["--kinds", "magic"], ["--without", ",".join(KINDS)]]
)
def test_what_cannot_be_played_is_refused(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["soak", *arguments])

    with pytest.raises(SystemExit) as refused:
        main()

    assert refused.value.code == 2

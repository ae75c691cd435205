"""The tool that changes one thing at a time: what it changes, and which tests it runs then."""

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    loader = SourceFileLoader("mutants", str(ROOT / "scripts/mutants"))
    spec = importlib.util.spec_from_loader("mutants", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutants"] = module  # dataclasses look there
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("a < b", ["a <= b"]),
        ("a >= b > c", ["a > b > c", "a >= b >= c"]),
        ("a not in b", ["a in b"]),
        ("a  is  not  b", ["a  is  b"]),
        ("(a and 'or') == (b)", ["(a or 'or') == (b)", "(a and 'or') != (b)"]),
        ("é + a - b", ["é - a - b", "é + a + b"]),
        ("a += b", ["a -= b"]),
        ("min(a, b)", ["max(a, b)"]),
        ("a[-1] * 2.5", ["a[-2] * 2.5", "a[-1] * 3.5"]),
        ("f(True, '1', None)", []),
        ("a * b", []),
    ],
)
def test_every_operator_and_number_is_changed_by_itself(tool: ModuleType, line: str, changed: list[str]) -> None:
    text = f"# {line}\n{line}\n"

    found = list(tool.mutants_of("some.py", text))

    applied = [text[: one.begin] + one.new + text[one.begin + len(one.old) :] for one in found]
    assert sorted(one.splitlines()[1] for one in applied) == sorted(changed)
    assert {one.line for one in found} <= {2}


def test_every_file_has_tests_and_the_longest_path_counts(tool: ModuleType) -> None:
    assert all((ROOT / place).exists() for place in tool.TESTS)
    assert [test for place in tool.TESTS for test in tool.tests_of(place) if not (ROOT / test).is_file()] == []
    assert tool.tests_of("control_api/accept.py")[0] == "tests/control_api/test_accept.py"
    assert tool.tests_of("control_api/views/order.py")[0] == "tests/control_api/test_ordering.py"

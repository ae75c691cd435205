"""docs/security.md promises what is tested, word for word, and nothing else."""

import ast
import re
from collections.abc import Iterator

from tests.docs.pages import ROOT

_PAGE = ROOT / "docs/security.md"


def sentences() -> Iterator[str]:
    """The page without headings and tables, sentence by sentence; a line that ends in a colon introduces a list."""
    lines = _PAGE.read_text("utf-8").splitlines()
    text = " ".join(line.removeprefix("- ") for line in lines if not line.startswith(("#", "|")))
    for sentence in re.split(r"(?<=[.:])\s+", text):
        if sentence.strip() and not sentence.endswith(":"):
            yield sentence.strip()


def name_of(sentence: str) -> str:
    """The name of the test that a sentence is, in small letters and underscores."""
    words = re.sub(r"['`]", "", sentence.lower())
    return "test_" + re.sub(r"[^a-z0-9]+", "_", words).strip("_")


def names() -> Iterator[str]:
    for file in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield node.name


def test_every_sentence_of_this_page_is_the_name_of_a_test() -> None:
    known = set(names())

    promised = list(sentences())

    assert len(promised) > 50
    assert [sentence for sentence in promised if name_of(sentence) not in known] == []


def test_a_sentence_without_a_test_is_found() -> None:
    assert name_of("Grafana's role can read minds.") not in set(names())
    assert all(sentence.endswith(".") for sentence in sentences())

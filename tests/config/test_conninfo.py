"""Why a connection string can't be read is said, and nothing of the string."""

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg import ProgrammingError, pq
from psycopg.conninfo import conninfo_to_dict

from demo import __main__ as demo
from jobqueue.config.conninfo import mistake
from tests.config.test_secrecy import ANYHOW, leaks

OPTIONS = [option.keyword.decode() for option in pq.Conninfo.get_defaults()]
PORT = "its port is no number from 1 to 65535, or there is an @ or / in its password"
URL = "postgresql://ann:Zq9x9qZ@db/app"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("app", "it begins neither with postgresql:// nor with an option such as host="),
        ("mysql://ann:Zq9@db/app", "it begins neither with postgresql:// nor with an option such as host="),
        (
            "host=db password=Zq9 9qZ dbname=app",
            'the option that begins at character 22 has no "=": a value with spaces stands in single quotes',
        ),
        ("host=db pasword=Zq9", "the option that begins at character 9 is unknown (did you mean password?)"),
        ("host=db SSLMODE=require", "the option that begins at character 9 is unknown (did you mean sslmode?)"),
        ("host=db Zq9=Zq9", "the option that begins at character 9 is unknown"),
        ("host=db  password='Zq9", "the option that begins at character 10 has a ' that isn't closed"),
        (f"{URL}?sslmod=require", "a parameter behind the ? is unknown (did you mean sslmode?)"),
        (f"{URL}?Zq9=1", "a parameter behind the ? is unknown"),
        (f"{URL}?sslmode", 'a parameter behind the ? has no "="'),
        (f"{URL}?options=a=b", 'a parameter behind the ? has a second "=": write %3D for it'),
        ("postgresql://ann:50%Zq9@db/app", "a % without two hexadecimal digits behind it: write %25 for %"),
        ("postgresql://ann:Zq9%00@db/app", "%00 can't be part of it"),
        ("postgresql://ann:Zq9@[::1/app", "the address in brackets has no ] at its end"),
        ("postgresql://ann:Zq9@[]/app", "there is no address in the brackets"),
        ("postgresql://ann:Zq9@[::1]x/app", "behind the address in brackets comes neither : nor /"),
        (
            "postgresql://ann:Zq9@db:http/app",
            PORT,
        ),
        ("host=db port=70000", PORT),
        (
            "postgresql://ann:Zq9@9qZ@db/app",
            PORT,
        ),
        ("host=db password=Zq9\udcff", "it has bytes that are no text in UTF-8"),
    ],
)
def test_the_reason_is_said(text: str, said: str) -> None:
    assert mistake(text) == said


@pytest.mark.parametrize(
    "text", [URL, "host=db", "host = db  password = 'a b\\' c'", "service=app", "postgresql:///app"]
)
def test_what_libpq_reads_has_no_mistake(text: str) -> None:
    assert mistake(text) is None


def mangled(text: str) -> st.SearchStrategy[str]:
    """A connection string that somebody typed wrong: a piece is cut out, or put in."""
    pieces = st.text("=%?&'@:/[] \\0aZ", max_size=3)
    cut = st.integers(0, len(text))
    return st.tuples(cut, cut, pieces).map(lambda c: text[: min(c[:2])] + c[2] + text[max(c[:2]) :])


WRONG = st.text() | ANYHOW | ANYHOW.flatmap(mangled) | st.text("abc=' \\%?&@:/[]") | st.sampled_from(OPTIONS)
GUESS = rf"( \(did you mean ({'|'.join(OPTIONS)})\?\))?"
WORDS = [
    r"it begins neither with postgresql:// nor with an option such as host=",
    r'the option that begins at character \d+ has no "=": a value with spaces stands in single quotes',
    rf"the option that begins at character \d+ is unknown{GUESS}",
    r"the option that begins at character \d+ has a ' that isn't closed",
    rf"a parameter behind the \? is unknown{GUESS}",
    r'a parameter behind the \? has no "="',
    r'a parameter behind the \? has a second "=": write %3D for it',
    r"a % without two hexadecimal digits behind it: write %25 for %",
    r"%00 can't be part of it",
    r"the address in brackets has no \] at its end",
    r"there is no address in the brackets",
    r"behind the address in brackets comes neither : nor /",
    PORT,
    r"it has bytes that are no text in UTF-8",
    r"libpq can't read it",
]


@given(WRONG)
@example("\0")
@example("=")
@example("postgresql://ann:%80@db/app")
@example("postgresql://%")
def test_whatever_the_string_is_the_reason_is_of_these_words(text: str) -> None:
    """So it can hold no piece of a password, but what is a word of ours or of libpq's by itself."""
    said = mistake(text)

    assert said is None or re.fullmatch("|".join(f"({words})" for words in WORDS), said)


@given(ANYHOW.flatmap(mangled))
def test_no_piece_of_a_password_is_in_the_reason(text: str) -> None:
    assert not leaks(mistake(text) or "")


@given(WRONG)
def test_a_mistake_is_found_wherever_libpq_finds_one(text: str) -> None:
    try:
        conninfo_to_dict(text)
    except (ProgrammingError, UnicodeError):
        assert mistake(text) is not None


@pytest.mark.parametrize("words", [["prepare"], ["platform"], ["chaos", "backlog"], []])
@pytest.mark.parametrize("text", ["postgresql://ann:Zq9%zz@db/app", "host=db password=Zq9 9qZ"])
def test_the_demo_keeps_it_to_itself_too(
    words: list[str], text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", text)
    options = ["--database-url", text] if words else []
    monkeypatch.setattr("sys.argv", ["demo", *words[:1], *options, *words[1:]])
    main: Callable[[], int] = demo.main

    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "not a connection string (not shown)" in said
    assert not leaks(said)

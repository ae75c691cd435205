"""A password is never shown, however it was written and whatever else is wrong."""

import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import TypeAdapter, ValidationError

from jobqueue.config import ConfigurationError, Source, load

ENGINES = {"ascent"}
HEAD, TAIL = "Zq9", "9qZ"
# A piece is as bad as the whole, so both ends are looked for.
PASSWORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20).map(
    lambda middle: f"{HEAD}{middle}{TAIL}"
)
AWKWARD = st.text("@/:?#%&=' \"\\\n[]{}*!,5", max_size=8).map(lambda middle: f"{HEAD}{middle}{TAIL}")


def as_url(password: str) -> str:
    return f"postgresql://monitor:{quote(password, safe='')}@db/app"


def as_keywords(password: str) -> str:
    return make_conninfo(host="db", password=password)


def as_typed_url(password: str) -> str:
    return f"postgresql://monitor:{password}@db/app"


def as_typed_keywords(password: str) -> str:
    return f"host=db password={password} dbname=app"


WELL_FORMED = st.one_of(PASSWORDS.map(as_url), PASSWORDS.map(as_keywords))
ANY = PASSWORDS | AWKWARD
ANYHOW = st.one_of(WELL_FORMED, ANY.map(as_typed_url), ANY.map(as_typed_keywords))


def shown_by(environ: dict[str, str]) -> str:
    try:
        return repr(load(environ, ENGINES))
    except ConfigurationError as error:
        return str(error) + "".join(traceback.format_exception(error))


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(environ, ENGINES)
    return str(caught.value) + "".join(traceback.format_exception(caught.value))


def leaks(text: str) -> bool:
    return HEAD in text or TAIL in text


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secrecy") / "file"


@given(WELL_FORMED)
def test_settings_hold_the_password_and_never_show_it(dsn: str) -> None:
    settings = load({"DATABASE_URL": dsn}, ENGINES)

    assert settings.sources[0].dsn.get_secret_value() == dsn
    assert leaks(dsn)
    assert not leaks(f"{settings!r} {settings} {settings.sources[0].dsn} {settings.sources[0].store_dsn}")


@given(ANYHOW, st.sampled_from(["DATABASE_URL", "STORE_DATABASE_URL"]))
def test_a_connection_string_in_its_place_is_not_shown(dsn: str, variable: str) -> None:
    assert not leaks(shown_by({"DATABASE_URL": "host=db", variable: dsn}))


@given(ANYHOW)
def test_a_connection_string_from_a_file_is_not_shown(file: Path, dsn: str) -> None:
    file.write_text(dsn)

    assert not leaks(shown_by({"DATABASE_URL_FILE": str(file)}))


@given(ANYHOW, st.sampled_from(["SYSTEM_STATUS_CONFIG", "DATABASE_URL_FILE"]))
def test_a_connection_string_taken_for_a_path_is_not_shown(dsn: str, variable: str) -> None:
    assert not leaks(refusal({variable: dsn}))


@given(ANYHOW, st.sampled_from(["QUEUE_ENGINE", "EXPORTER_PORT", "LOG_LEVEL", "LOG_FORMAT"]))
def test_a_connection_string_in_a_wrong_variable_is_not_shown(dsn: str, variable: str) -> None:
    assert not leaks(refusal({"DATABASE_URL": "host=db", variable: dsn}))


@given(
    ANYHOW,
    st.sampled_from(
        [
            "{}",
            "{}: 1",
            "sources: {}",
            "sources:\n  - {}",
            "sources:\n  - name: {}\n    dsn: host=db",
            "sources:\n  - name: main\n    dsn: {}\n    settle: never",
            "sources:\n  - name: main\n    dsn: host=db\n    {}: 1",
            "sources:\n  - name: main\n    dsn: host=db\n    {}: 1\n    {}: 2",
            "sources:\n  - name: main\n    dsn: host=db\n    engine: {}",
            "sources:\n  - name: main\n    dsn: [{}]",
            "sources:\n  - name: main\n    dsn: 'host=db'\n    store_dsn: {{dsn: {}}}",
            "sources:\n  - name: main\n    dsn_file: {}",
            'sources:\n  - name: main\n    dsn: "{}"\n    engine: none',
            "sources:\n  - name: main\n    dsn: '{}'\n    engine: none",
        ]
    ),
)
def test_a_connection_string_anywhere_in_a_broken_file_is_not_shown(file: Path, dsn: str, text: str) -> None:
    file.write_text(text.format(dsn, dsn))

    assert not leaks(refusal({"SYSTEM_STATUS_CONFIG": str(file)}))


@given(ANY.map(as_typed_url))
def test_no_piece_of_a_password_becomes_an_address(url: str) -> None:
    """Libpq repeats host, port and database name in its messages, which are logged."""
    try:
        [source] = load({"DATABASE_URL": url}, ENGINES).sources
    except ConfigurationError:
        return

    parts = conninfo_to_dict(source.dsn.get_secret_value())
    assert parts.pop("password")
    assert not leaks(repr(parts))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://monitor:Zq9@9qZ@db/app",
        "postgresql://monitor:Zq9?@9qZ@db/app",
        "postgresql://monitor:5432/9qZ@db/app",
        "postgresql://monitor:Zq9",
    ],
)
def test_a_url_whose_password_would_be_read_as_an_address_is_refused(url: str) -> None:
    assert conninfo_to_dict(url)

    assert not leaks(refusal({"DATABASE_URL": url}))


def test_bytes_that_are_no_text_are_refused() -> None:
    assert not leaks(refusal({"DATABASE_URL": f"host=db password={HEAD}\udcff"}))


@given(ANYHOW)
def test_a_source_that_is_not_made_by_load_keeps_the_password_too(dsn: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Source).validate_python({"dsn": dsn})

    assert not leaks("".join(traceback.format_exception(caught.value)))

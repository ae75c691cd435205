"""Names out of a configuration stay names in the SQL that the programs print or run."""

from dataclasses import replace

import pytest
from psycopg.sql import Literal

from jobqueue import sql
from jobqueue.engines import ENGINES, open_engine
from jobqueue.tables.grants import grants
from tests.exporter.process import run
from tests.exporter.scrape import source

_HOSTILE = [
    "a$body$; CREATE TABLE pwned (); --",
    "a$$; CREATE TABLE pwned (); --",
    "$body$ $body1$; CREATE TABLE pwned (); --",
    'a"; CREATE TABLE pwned (); --',
    "a'; CREATE TABLE pwned (); --",
    "a\nCREATE TABLE pwned ();\n--",
    "a*/ CREATE TABLE pwned (); /*",
    "{role} %(x)s %s \\",
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("schema", _HOSTILE)
def test_a_schemas_name_ends_no_quote_of_what_grants_prints(engine: str, schema: str) -> None:
    queue = replace(source("postgresql:///app", engine=engine), schema=schema)

    printed = "\n".join(grants([queue], "exporter", "control", "grafana"))

    assert "pwned" not in unquoted(printed)


@pytest.mark.parametrize("role", _HOSTILE)
def test_a_roles_name_ends_no_quote_of_what_grants_prints(role: str) -> None:
    printed = "\n".join(grants([source("postgresql:///app")], role, role, role))

    assert "pwned" not in unquoted(printed)


@pytest.mark.parametrize("database", ["a\nCREATE TABLE pwned ();", "a\rCREATE TABLE pwned ();", "a\u2028pwned"])
@pytest.mark.parametrize("part", ["dbname", "host"])
def test_a_newline_in_a_connection_string_ends_no_comment_of_what_grants_prints(part: str, database: str) -> None:
    printed = "\n".join(grants([source(f"{part}='{database}'")], "exporter", "control", "grafana"))

    assert "pwned" not in unquoted(printed)


@pytest.mark.parametrize("schema", _HOSTILE)
def test_a_schemas_name_ends_no_body_of_the_recorders_functions(schema: str) -> None:
    recorder = open_engine("graphile", schema).recorder
    assert recorder

    for statement in (recorder.install, recorder.remove, recorder.lends_rights, recorder.unrecorded_roles):
        assert "pwned" not in unquoted(statement.as_string())


def test_a_quote_of_a_body_that_a_name_holds_is_replaced_by_one_that_no_name_holds() -> None:
    loaded = sql.load("jobqueue.tables", "grants.sql", role="$body$", role_name=Literal("$body1$"))

    assert loaded["role"].as_string().count("$body2$") == 2


async def test_the_sql_that_grants_writes_into_a_file_has_each_character_of_a_name() -> None:
    role = "turned\u202eround\twide"

    written = await run("grants", "--exporter", role, module="jobqueue", DATABASE_URL="postgresql:///app")

    assert f'TO "{role}"' in written.output


def unquoted(text: str) -> str:
    """The statements without names, literals, bodies and comments, read as PostgreSQL reads them."""
    left, position = [], 0
    while position < len(text):
        for start, ends in (('"', '"'), ("E'", "'"), ("'", "'"), ("--", "\n"), ("/*", "*/")):
            if text.startswith(start, position):
                position = text.find(ends, position + len(start))
                assert position >= 0
                position += len(ends)
                break
        else:
            if text[position] == "$" and (end := text.find("$", position + 1)) > 0:
                tag = text[position : end + 1]
                inner = text[end + 1 : text.index(tag, end + 1)]
                left.append(unquoted(inner))
                position = end + 1 + len(inner) + len(tag)
            else:
                left.append(text[position])
                position += 1
    return "".join(left)

"""Each mistake is one line: the key, what was found, what is allowed."""

from pathlib import Path
from textwrap import indent

import pytest

from jobqueue.config import ConfigurationError, load, load_or_exit

ENGINES = {"ascent", "pgboss"}
DSN = "postgresql://monitor@db/app"

FILE = "SYSTEM_STATUS_CONFIG"
MISSING = "No such file or directory"
UNKNOWN = "found an unknown key, allowed"
BOTH = f"found together with {FILE}, allowed: one of the two: unset"
ALLOWED_START = (
    "a connection string, such as DATABASE_URL=postgresql://monitor@localhost/app, "
    "or SYSTEM_STATUS_CONFIG with the path of a YAML file"
)
ALLOWED_JOB_TYPE = "a job type, no two schedules for the same"
ALLOWED_CRON = "a cron expression in quotes, such as '0 6 * * *'"
ALLOWED_DSN = (
    "a PostgreSQL connection string, such as postgresql://monitor@localhost/app, "
    "with %40 for @ and %2F for / in a password"
)
HIDDEN = "a text that may hold a password (not shown)"
NEITHER = "it begins neither with postgresql:// nor with an option such as host="
ALLOWED_FILE = "the path of a file that holds a connection string"
SOURCE_KEYS = (
    "name, dsn, engine, schema, store_dsn, schedules, "
    "poll_interval, scrape_interval, settle, statement_timeout, job_type_limit, dsn_file, store_dsn_file"
)
SCHEDULE_KEYS = "job_type, cron, timezone, description, priority, expire_after, enabled"
ALLOWED_NAME = "1 to 63 of a-z 0-9 _ -, the first a letter or digit, no two sources the same"
ALLOWED_EXPIRY = "seconds above 0, or a text such as '5 minutes'"
ALLOWED_PORT = "a port, 1 to 65535, or 0 for any free one"
LEVELS = "debug, info, warning, error"


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(environ, ENGINES)
    return str(caught.value)


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        (
            {},
            f"DATABASE_URL: found nothing, allowed: {ALLOWED_START}",
        ),
        (
            {"DATABASE_URL": "", "QUEUE_ENGINE": "pgboss"},
            f"DATABASE_URL: found nothing, allowed: {ALLOWED_START}",
        ),
        (
            {"DATABASE_URL": DSN, "SYSTEM_STATUS_CONFIG": "status.yaml"},
            f"DATABASE_URL: {BOTH} DATABASE_URL to use the file, or {FILE}",
        ),
        (
            {"QUEUE_SCHEMA": "queue", "SYSTEM_STATUS_CONFIG": "status.yaml"},
            f"QUEUE_SCHEMA: {BOTH} QUEUE_SCHEMA to use the file, or {FILE}",
        ),
        (
            {"DATABASE_URL": DSN, "DATABASE_URL_FILE": "dsn"},
            "DATABASE_URL_FILE: found together with DATABASE_URL, allowed: one of the two",
        ),
        ({"DATABASE_URL": "app"}, f"DATABASE_URL: found {HIDDEN}: {NEITHER}, allowed: {ALLOWED_DSN}"),
        (
            {"DATABASE_URL": DSN, "STORE_DATABASE_URL": "mysql://db/app"},
            f"STORE_DATABASE_URL: found {HIDDEN}: {NEITHER}, allowed: {ALLOWED_DSN}",
        ),
        (
            {"DATABASE_URL": DSN, "QUEUE_ENGINE": "pgbos"},
            "QUEUE_ENGINE: found 'pgbos', allowed: ascent, pgboss (did you mean pgboss?)",
        ),
        (
            {"DATABASE_URL": DSN, "QUEUE_ENGINE": "resque"},
            "QUEUE_ENGINE: found 'resque', allowed: ascent, pgboss",
        ),
        (
            {"DATABASE_URL": DSN, "QUEUE_SCHEMA": "s" * 300},
            f"QUEUE_SCHEMA: found '{'s' * 200}…', allowed: a schema's name, 1 to 63 characters",
        ),
        (
            {"DATABASE_URL": DSN, "EXPORTER_PORT": "http"},
            f"EXPORTER_PORT: found 'http', allowed: {ALLOWED_PORT}",
        ),
        (
            {"DATABASE_URL": DSN, "EXPORTER_PORT": "65536"},
            f"EXPORTER_PORT: found '65536', allowed: {ALLOWED_PORT}",
        ),
        (
            {"DATABASE_URL": DSN, "LOG_LEVEL": "WARN"},
            f"LOG_LEVEL: found 'WARN', allowed: {LEVELS} (did you mean warning?)",
        ),
        (
            {"DATABASE_URL": DSN, "LOG_FORMAT": "text\nlines"},
            r"LOG_FORMAT: found 'text\nlines', allowed: json, console",
        ),
        (
            {"SYSTEM_STATUS_CONFIG": "/nowhere/status.yaml"},
            f"{FILE}: found '/nowhere/status.yaml' ({MISSING}), allowed: a YAML file that can be read",
        ),
        (
            {"DATABASE_URL_FILE": "/nowhere/dsn"},
            f"DATABASE_URL_FILE: found '/nowhere/dsn' ({MISSING}), allowed: {ALLOWED_FILE}",
        ),
    ],
)
def test_a_mistaken_variable_is_named(environ: dict[str, str], line: str) -> None:
    assert refusal(environ) == line


def source(lines: str) -> str:
    """A file with one source, which has *lines* beside its name and its dsn."""
    return f"sources:\n  - name: main\n    dsn: host=db\n{indent(lines, '    ')}\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{}", "sources: found nothing, allowed: a list of at least one source"),
        ("sources: []", "sources: found an empty list, allowed: a list of at least one source"),
        ("sources: main", "sources: found 'main', allowed: a list of at least one source"),
        ("sources: {name: main}", "sources: found a mapping, allowed: a list of at least one source"),
        ("sources: [main]", f"sources[0]: found 'main', allowed: a mapping with {SOURCE_KEYS}"),
        ("sources: [{dsn: host=db}]", f"sources[0].name: found nothing, allowed: {ALLOWED_NAME}"),
        ("sources: [{name: main}]", f"sources[0].dsn: found nothing, allowed: {ALLOWED_DSN}"),
        ("sources: [{name: main, dsn: }]", f"sources[0].dsn: found nothing, allowed: {ALLOWED_DSN}"),
        (
            "sources: [{name: main, dsn: ''}]",
            f"sources[0].dsn: found nothing, allowed: {ALLOWED_DSN}",
        ),
        (
            "sources: [{name: main, dsn: 5432}]",
            f"sources[0].dsn: found something that is no text (not shown), allowed: {ALLOWED_DSN}",
        ),
        (
            source("store_dsn: sqlite"),
            f"sources[0].store_dsn: found {HIDDEN}: {NEITHER}, allowed: {ALLOWED_DSN}",
        ),
        (
            source("") + "  - {name: main, dsn: host=other}",
            f"sources[1].name: found 'main' a second time, allowed: {ALLOWED_NAME}",
        ),
        (
            "sources: [{name: Main, dsn: host=db}]",
            f"sources[0].name: found 'Main', allowed: {ALLOWED_NAME}",
        ),
        ("sources: [{name: 7, dsn: host=db}]", f"sources[0].name: found 7, allowed: {ALLOWED_NAME}"),
        (
            f"sources: [{{name: {'n' * 300}, dsn: host=db}}]",
            f"sources[0].name: found '{'n' * 200}…', allowed: {ALLOWED_NAME}",
        ),
        (
            source("") + "  - {name: other, dsn: host=db, engine: pgbos}",
            "sources[1].engine: found 'pgbos', allowed: ascent, pgboss (did you mean pgboss?)",
        ),
        (source("engine: 7"), "sources[0].engine: found 7, allowed: ascent, pgboss"),
        (source("schema: ''"), "sources[0].schema: found '', allowed: a schema's name, 1 to 63 characters"),
        (
            source("poll_intervall: 5"),
            f"sources[0].poll_intervall: {UNKNOWN}: {SOURCE_KEYS} (did you mean poll_interval?)",
        ),
        (
            "sources: [{name: main, dns: host=db}]",
            f"sources[0].dns: {UNKNOWN}: {SOURCE_KEYS} (did you mean dsn?)",
        ),
        (source("xyz: 1"), f"sources[0].xyz: {UNKNOWN}: {SOURCE_KEYS}"),
        (
            "source: []",
            f"source: {UNKNOWN}: sources, listen, log, control (did you mean sources?)",
        ),
        (
            source("poll_interval: often"),
            "sources[0].poll_interval: found 'often', allowed: 1 to 3600 seconds",
        ),
        (source("poll_interval: true"), "sources[0].poll_interval: found true, allowed: 1 to 3600 seconds"),
        (source("poll_interval: .nan"), "sources[0].poll_interval: found nan, allowed: 1 to 3600 seconds"),
        (source("poll_interval: 0"), "sources[0].poll_interval: found 0, allowed: 1 to 3600 seconds"),
        (source("settle: -1"), "sources[0].settle: found -1, allowed: 0 to 3600 seconds"),
        (
            source("statement_timeout: 5000"),
            "sources[0].statement_timeout: found 5000, allowed: 0.1 to 300 seconds",
        ),
        (source("job_type_limit: 0"), "sources[0].job_type_limit: found 0, allowed: a whole number above 0"),
        (
            source("job_type_limit: 1.5"),
            "sources[0].job_type_limit: found 1.5, allowed: a whole number above 0",
        ),
        (source("schedules: {a: b}"), "sources[0].schedules: found a mapping, allowed: a list of schedules"),
        (
            source("schedules: [daily]"),
            f"sources[0].schedules[0]: found 'daily', allowed: a mapping with {SCHEDULE_KEYS}",
        ),
        (
            source("schedules: [{job_type: a}]"),
            f"sources[0].schedules[0].cron: found nothing, allowed: {ALLOWED_CRON}",
        ),
        (
            source("schedules: [{job_type: a, cron: '@daily', tz: UTC}]"),
            f"sources[0].schedules[0].tz: {UNKNOWN}: {SCHEDULE_KEYS}",
        ),
        (
            source("schedules: [{job_type: a, cron: '@daily'}, {job_type: a, cron: '@hourly'}]"),
            f"sources[0].schedules[1].job_type: found 'a' a second time, allowed: {ALLOWED_JOB_TYPE}",
        ),
        *(
            (
                source(f"schedules: [{{job_type: a, cron: '@daily', {key}: {written}}}]"),
                f"sources[0].schedules[0].{key}: found {found}, allowed: {allowed}",
            )
            for key, written, found, allowed in [
                ("expire_after", "soon", "'soon'", ALLOWED_EXPIRY),
                ("expire_after", "5 fortnights", "'5 fortnights'", ALLOWED_EXPIRY),
                ("expire_after", "0 minutes", "'0 minutes'", ALLOWED_EXPIRY),
                ("expire_after", "-5", "-5", ALLOWED_EXPIRY),
                ("expire_after", "1.0e+300", "1e+300", ALLOWED_EXPIRY),
                ("expire_after", f"{'9' * 400} days", f"'{'9' * 200}…'", ALLOWED_EXPIRY),
                ("expire_after", "true", "true", ALLOWED_EXPIRY),
                ("enabled", "1", "1", "true or false"),
                ("priority", "high", "'high'", "a whole number"),
                ("timezone", "1", "1", "a timezone such as Europe/Berlin"),
                ("description", "[a]", "a list", "a text"),
            ]
        ),
        (source("") + "listen: 9810", "listen: found 9810, allowed: a mapping with host, port"),
        (source("") + "listen: {host: 1}", "listen.host: found 1, allowed: a host name or address"),
        (source("") + "listen: {port: true}", f"listen.port: found true, allowed: {ALLOWED_PORT}"),
        (
            source("") + "listen: {prot: 1}",
            f"listen.prot: {UNKNOWN}: host, port (did you mean port?)",
        ),
        (
            source("") + "log: {format: jsonl}",
            "log.format: found 'jsonl', allowed: json, console (did you mean json?)",
        ),
        (source("") + "log: {level: 3}", f"log.level: found 3, allowed: {LEVELS}"),
        (
            source("") + "'two words': 1",
            f"'two words': {UNKNOWN}: sources, listen, log, control",
        ),
    ],
)
def test_a_mistake_in_the_file_is_named_by_its_path(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "status.yaml"
    file.write_text(text)

    assert refusal({"SYSTEM_STATUS_CONFIG": str(file)}) == line


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", "nothing in FILE"),
        (b"- sources", "a list in FILE"),
        (b"sources", "'sources' in FILE"),
    ],
)
def test_a_file_without_a_mapping_is_refused(tmp_path: Path, text: bytes, found: str) -> None:
    file = tmp_path / "status.yaml"
    file.write_bytes(text)

    line = refusal({"SYSTEM_STATUS_CONFIG": str(file)})

    found = found.replace("FILE", repr(str(file)))
    assert line == f"SYSTEM_STATUS_CONFIG: found {found}, allowed: a mapping with sources, listen, log, control"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("sources:\n  - name: a: b", "line 2, column 12: mapping values are not allowed here"),
        ("sources: [\n", "line 2, column 1: expected the node content, but found '<stream end>'"),
        ("sources: []\nsources: []", "line 2, column 1: the key sources a second time"),
        ("listen:\n  port: 1\n  'port': 2", "line 3, column 3: the key port a second time"),
        ("listen: {on: 1}", "line 1, column 10: a key that isn't text"),
        ("log: 2026-02-31", "line 1, column 6: no such value"),
        ("log: *none", "line 1, column 6: found undefined alias …"),
        ("cron: */5 * * * *", "line 1, column 8: expected alphabetic or numeric character, but found …"),
        ("log: !!python/name:os.system", "line 1, column 6: could not determine a constructor for the tag …"),
        ("a: 1\n---\nb: 2", "line 2, column 1: but found another document"),
        ("log: \0", "a character that YAML doesn't allow"),
    ],
)
def test_what_is_not_yaml_is_refused_with_line_and_column(tmp_path: Path, text: str, mistake: str) -> None:
    file = tmp_path / "status.yaml"
    file.write_text(text)

    line = refusal({"SYSTEM_STATUS_CONFIG": str(file)})

    assert line == (
        f"SYSTEM_STATUS_CONFIG: found a mistake in {str(file)!r} ({mistake}), "
        "allowed: YAML, each key text and only once"
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "nothing in FILE"),
        (b" \n\n", "nothing in FILE"),
        (b"\xff\xfe", "FILE (not text in UTF-8)"),
        (None, f"FILE ({MISSING})"),
    ],
)
def test_a_secret_file_without_a_secret_is_refused(tmp_path: Path, content: bytes | None, found: str) -> None:
    secret, config = tmp_path / "dsn", tmp_path / "status.yaml"
    if content is not None:
        secret.write_bytes(content)
    config.write_text(f"sources: [{{name: main, dsn_file: {secret}}}]")

    by_variable = refusal({"DATABASE_URL_FILE": str(secret)})
    by_file = refusal({"SYSTEM_STATUS_CONFIG": str(config)})

    found = found.replace("FILE", repr(str(secret)))
    assert by_variable == f"DATABASE_URL_FILE: found {found}, allowed: {ALLOWED_FILE}"
    assert by_file == f"sources[0].dsn_file: found {found}, allowed: {ALLOWED_FILE}"


def test_a_folder_is_no_secret_file(tmp_path: Path) -> None:
    line = refusal({"DATABASE_URL_FILE": str(tmp_path)})

    assert line == f"DATABASE_URL_FILE: found {str(tmp_path)!r} (Is a directory), allowed: {ALLOWED_FILE}"


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (
            "dsn: host=db\n    dsn_file: dsn",
            "sources[0].dsn_file: found together with sources[0].dsn, allowed: one of the two",
        ),
        ("dsn_file: 5", f"sources[0].dsn_file: found 5, allowed: {ALLOWED_FILE}"),
        ("dsn_file: dsn", f"sources[0].dsn_file: found {HIDDEN}: {NEITHER}, allowed: {ALLOWED_DSN}"),
        (
            "dsn: host=db\n    store_dsn_file: dsn",
            f"sources[0].store_dsn_file: found {HIDDEN}: {NEITHER}, allowed: {ALLOWED_DSN}",
        ),
    ],
)
def test_a_mistake_about_a_secret_is_named_by_the_key_in_use(tmp_path: Path, keys: str, line: str) -> None:
    (tmp_path / "dsn").write_text("not a connection string")
    file = tmp_path / "status.yaml"
    file.write_text(f"sources:\n  - name: main\n    {keys}\n")

    assert refusal({"SYSTEM_STATUS_CONFIG": str(file)}) == line


def test_an_entry_point_ends_with_one_line_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load_or_exit({"DATABASE_URL": DSN, "QUEUE_ENGINE": "resque"}, ENGINES, "exporter")

    printed = capsys.readouterr()
    assert ended.value.code == 2
    assert printed.out == ""
    assert printed.err == "exporter: QUEUE_ENGINE: found 'resque', allowed: ascent, pgboss\n"


@pytest.mark.parametrize("key", ["engine", "poll_interval", "schedules", "'other\nkey'"])
def test_a_text_of_several_lines_is_shown_on_one(tmp_path: Path, key: str) -> None:
    file = tmp_path / "status.yaml"
    file.write_text(source(f'{key}: "one\\ntwo\\u2028three\\x85four"'))

    assert len(refusal({"SYSTEM_STATUS_CONFIG": str(file)}).splitlines()) == 1

"""What variables, files and defaults come to."""

import os
from contextlib import redirect_stderr
from dataclasses import FrozenInstanceError
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from jobqueue.config import ConfiguredSchedule, Listen, Log, Settings, Source, load

ENGINES = {"ascent": object(), "pgboss": object()}
DSN = "postgresql://monitor@db/app"


def from_yaml(folder: Path, text: str, **environ: str) -> Settings:
    file = folder / "status.yaml"
    file.write_text(text)
    return load({"SYSTEM_STATUS_CONFIG": str(file), **environ}, ENGINES)


def test_one_variable_is_enough() -> None:
    settings = load({"DATABASE_URL": DSN}, ENGINES)

    [source] = settings.sources
    assert source == Source(
        name="main",
        dsn=SecretStr(DSN),
        engine="ascent",
        schema=None,
        store_dsn=SecretStr(DSN),
        schedules=(),
        poll_interval=15,
        scrape_interval=60,
        settle=120,
        statement_timeout=5,
        job_type_limit=500,
    )
    assert settings.listen == Listen(host="0.0.0.0", port=9810)
    assert settings.log.level == "info"


def test_every_variable_is_heard() -> None:
    environ = {
        "DATABASE_URL": DSN,
        "STORE_DATABASE_URL": "host=primary dbname=app",
        "QUEUE_ENGINE": "pgboss",
        "QUEUE_SCHEMA": "queue",
        "EXPORTER_HOST": "127.0.0.1",
        "EXPORTER_PORT": "0",
        "LOG_LEVEL": "WARNING",
        "LOG_FORMAT": "console",
    }

    settings = load(environ, ENGINES)

    [source] = settings.sources
    assert source.dsn.get_secret_value() == DSN
    assert source.store_dsn.get_secret_value() == "host=primary dbname=app"
    assert (source.engine, source.schema) == ("pgboss", "queue")
    assert settings.listen == Listen(host="127.0.0.1", port=0)
    assert settings.log == Log(level="warning", format="console")


def test_an_unknown_or_empty_variable_changes_nothing() -> None:
    environ = {"DATABASE_URL": DSN, "DATABASE_URI": "x", "QUEUE_SCHEMA": "", "SYSTEM_STATUS_CONFIG": ""}

    assert load(environ, ENGINES) == load({"DATABASE_URL": DSN}, ENGINES)


def test_secrets_are_read_from_files_without_the_space_around_them(tmp_path: Path) -> None:
    (tmp_path / "replica").write_text(f"\n{DSN}\n")
    (tmp_path / "primary").write_text("host=primary\r\n")

    settings = load(
        {
            "DATABASE_URL_FILE": str(tmp_path / "replica"),
            "STORE_DATABASE_URL_FILE": str(tmp_path / "primary"),
        },
        ENGINES,
    )

    [source] = settings.sources
    assert source.dsn.get_secret_value() == DSN
    assert source.store_dsn.get_secret_value() == "host=primary"


def test_a_relative_secret_file_lies_beside_the_yaml_file(tmp_path: Path) -> None:
    (tmp_path / "replica").write_text(DSN)

    settings = from_yaml(tmp_path, "sources: [{name: main, dsn_file: replica, store_dsn: host=primary}]")

    [source] = settings.sources
    assert source.dsn.get_secret_value() == DSN
    assert source.store_dsn.get_secret_value() == "host=primary"


def test_every_key_of_the_file_is_heard(tmp_path: Path) -> None:
    settings = from_yaml(
        tmp_path,
        """
        sources:
          - name: orders
            dsn: host=replica
          - name: mail_2-b
            engine: pgboss
            dsn: host=mail
            schema: mail queue
            store_dsn: host=primary
            schedules:
              - {job_type: tidy, cron: "@daily"}
              - job_type: remind
                cron: "*/15 * * * *"
                timezone: Europe/Berlin
                description: Sends reminders
                priority: -10
                expire_after: 5 minutes
                enabled: no
            poll_interval: 1.5
            settle: 0
            statement_timeout: 0.5
            job_type_limit: 20
        listen: {host: "::1", port: 9000}
        log: {level: debug, format: json}
        """,
    )

    orders, mail = settings.sources
    assert orders == Source(name="orders", dsn=SecretStr("host=replica"))
    assert mail == Source(
        name="mail_2-b",
        dsn=SecretStr("host=mail"),
        engine="pgboss",
        schema="mail queue",
        store_dsn=SecretStr("host=primary"),
        schedules=(
            ConfiguredSchedule(job_type="tidy", cron="@daily"),
            ConfiguredSchedule(
                job_type="remind",
                cron="*/15 * * * *",
                timezone="Europe/Berlin",
                description="Sends reminders",
                priority=-10,
                expire_after=timedelta(minutes=5),
                enabled=False,
            ),
        ),
        poll_interval=1.5,
        settle=0,
        statement_timeout=0.5,
        job_type_limit=20,
    )
    assert settings.listen == Listen(host="::1", port=9000)
    assert settings.log == Log(level="debug", format="json")


def test_a_schedule_that_cannot_be_parsed_is_left_to_be_shown(tmp_path: Path) -> None:
    schedules = "[{job_type: a, cron: often, timezone: Mars/North}]"

    settings = from_yaml(tmp_path, f"sources: [{{name: main, dsn: host=db, schedules: {schedules}}}]")

    [schedule] = settings.sources[0].schedules
    assert schedule == ConfiguredSchedule(job_type="a", cron="often", timezone="Mars/North")


def test_a_schedule_without_more_is_enabled_in_utc_and_never_expires() -> None:
    schedule = ConfiguredSchedule(job_type="tidy", cron="@daily")

    assert (schedule.timezone, schedule.description, schedule.priority) == ("UTC", "", 0)
    assert schedule.expire_after is None
    assert schedule.enabled


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90", 90),
        ("0.5", 0.5),
        ("1 second", 1),
        ("5 minutes", 300),
        ("5minutes", 300),
        ("1.5 hours", 5400),
        ("2 days", 172800),
        ("null", None),
    ],
)
def test_an_expiry_is_seconds_or_a_text(tmp_path: Path, written: str, seconds: float | None) -> None:
    schedules = f"[{{job_type: a, cron: '@daily', expire_after: {written}}}]"

    settings = from_yaml(tmp_path, f"sources: [{{name: main, dsn: host=db, schedules: {schedules}}}]")

    [schedule] = settings.sources[0].schedules
    assert schedule.expire_after == (None if seconds is None else timedelta(seconds=seconds))


def test_a_mapping_may_be_shared_and_partly_replaced(tmp_path: Path) -> None:
    settings = from_yaml(
        tmp_path,
        """
        sources:
          - &first {name: first, dsn: host=db, settle: 60, poll_interval: 5}
          - <<: *first
            name: second
            settle: 30
        """,
    )

    first, second = settings.sources
    assert (first.name, first.settle, first.poll_interval) == ("first", 60, 5)
    assert (second.name, second.settle, second.poll_interval) == ("second", 30, 5)


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    text = "sources: [{name: main, dsn: host=db}]\nlisten: {host: db, port: 1}\nlog: {level: debug}"

    settings = from_yaml(tmp_path, text, EXPORTER_PORT="9000", LOG_LEVEL="error", LOG_FORMAT="json")

    assert settings.listen == Listen(host="db", port=9000)
    assert settings.log == Log(level="error", format="json")


@pytest.mark.parametrize(
    "dsn",
    [
        "postgres://db",
        "postgresql:///app?host=/var/run/postgresql",
        "postgresql://monitor:@/app?host=/run/pg",
        "postgresql://monitor:p%40ss%2Fword@[::1]:5432/app?sslmode=require",
        "postgresql://monitor:se?cret@one:5432,two:5433/app?target_session_attrs=any",
        "host=one,two port=5432,5433 user=monitor@tenant password='it''s @ / home'".replace("''", "\\'"),
        "service=queue",
    ],
)
def test_what_libpq_takes_is_taken_as_it_is(dsn: str) -> None:
    settings = load({"DATABASE_URL": dsn}, ENGINES)

    assert settings.sources[0].dsn.get_secret_value() == dsn


def test_settings_are_values() -> None:
    settings = load({"DATABASE_URL": DSN, "LOG_FORMAT": "json"}, ENGINES)

    assert hash(settings) == hash(load({"DATABASE_URL": DSN, "LOG_FORMAT": "json"}, ENGINES))
    with pytest.raises(FrozenInstanceError):
        settings.sources[0].poll_interval = 1  # type: ignore[misc]  # what is tried here


def test_people_at_a_terminal_get_a_log_to_read() -> None:
    keyboard, screen = os.openpty()

    with os.fdopen(keyboard), os.fdopen(screen, "w") as stream, redirect_stderr(stream):
        settings = load({"DATABASE_URL": DSN}, ENGINES)

    assert settings.log.format == "console"


def test_a_log_that_goes_elsewhere_is_for_machines(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream, redirect_stderr(stream):
        settings = load({"DATABASE_URL": DSN}, ENGINES)

    assert settings.log.format == "json"

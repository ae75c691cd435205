"""What can be configured. A field's description is what an error says is allowed there."""

import sys
from dataclasses import fields
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from jobqueue.config.conninfo import Conninfo
from jobqueue.config.control import ControlSettings, Janitor
from jobqueue.config.values import STRICT, duration, lower, number, once


def _seconds(least: float, most: float) -> Any:
    return Field(strict=True, ge=least, le=most, description=f"{least} to {most} seconds")


def _log_format() -> Literal["json", "console"]:
    return "console" if sys.stderr.isatty() else "json"


@dataclass(frozen=True, slots=True, config=STRICT)
class ConfiguredSchedule:
    """A recurring job of an engine whose schedules live in code, as the operator states it.

    Neither ``cron`` nor ``timezone`` is checked here: a schedule that can't be parsed is shown as such.
    """

    job_type: Annotated[str, Field(min_length=1, description="a job type, no two schedules for the same")]
    cron: Annotated[str, Field(min_length=1, description="a cron expression in quotes, such as '0 6 * * *'")]
    timezone: Annotated[str, Field(min_length=1, description="a timezone such as Europe/Berlin")] = "UTC"
    description: Annotated[str, Field(description="a text")] = ""
    priority: Annotated[int, Field(strict=True, description="a whole number")] = 0
    expire_after: Annotated[
        timedelta | None,
        Field(gt=timedelta(0), description="seconds above 0, or a text such as '5 minutes'"),
        BeforeValidator(duration),
    ] = None
    enabled: Annotated[bool, Field(strict=True, description="true or false")] = True


@dataclass(frozen=True, slots=True, config=STRICT)
class Source:
    """One queue database: where it is, which engine owns its tables, how it is read. Times are seconds.

    ``schema`` None is the engine's own. ``settle`` is how late a finishing transaction may commit. For the
    ``scrape_interval`` of the slowest Prometheus a new counter stands at 0, so that its first steps are seen.
    """

    name: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$",
            description="1 to 63 of a-z 0-9 _ -, the first a letter or digit, no two sources the same",
        ),
    ]
    dsn: Conninfo
    engine: Annotated[str, Field(description="the name of an engine")] = "ascent"
    schema: Annotated[
        str | None, Field(min_length=1, max_length=63, description="a schema's name, 1 to 63 characters")
    ] = None
    store_dsn: Conninfo = Field(default_factory=lambda data: data["dsn"])
    schedules: Annotated[
        tuple[ConfiguredSchedule, ...],
        Field(description="a list of schedules"),
        AfterValidator(once("job_type")),
    ] = ()
    poll_interval: Annotated[float, _seconds(1, 3600)] = 15.0
    scrape_interval: Annotated[float, _seconds(0, 600)] = 60.0
    settle: Annotated[float, _seconds(0, 3600)] = 120.0
    statement_timeout: Annotated[float, _seconds(0.1, 300)] = 5.0
    job_type_limit: Annotated[int, Field(strict=True, ge=1, description="a whole number above 0")] = 500


@dataclass(frozen=True, slots=True, config=STRICT)
class Listen:
    """Where the exporter serves; by default on every interface, for Prometheus runs elsewhere."""

    host: Annotated[str, Field(min_length=1, description="a host name or address")] = "0.0.0.0"  # noqa: S104
    port: Annotated[
        int,
        Field(strict=True, ge=0, le=65535, description="a port, 1 to 65535, or 0 for any free one"),
        BeforeValidator(number),
    ] = 9810


@dataclass(frozen=True, slots=True, config=STRICT)
class Log:
    """The least level that is logged, and the format: ``console`` in a terminal, else ``json``."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], BeforeValidator(lower), Field(description="a level")
    ] = "info"
    format: Literal["json", "console"] = Field(default_factory=_log_format)


@dataclass(frozen=True, slots=True, config=STRICT)
class Settings:
    """The whole configuration."""

    sources: Annotated[
        tuple[Source, ...],
        Field(min_length=1, description="a list of at least one source"),
        AfterValidator(once("name")),
    ]
    listen: Annotated[Listen, Field(description="a mapping with host, port")] = Listen()
    log: Annotated[Log, Field(description="a mapping with level, format")] = Field(default_factory=Log)
    control: Annotated[ControlSettings, Field(description="a mapping with what is configured of the control API")] = (
        ControlSettings()
    )


SECTIONS = {
    "sources": Source,
    "schedules": ConfiguredSchedule,
    "listen": Listen,
    "log": Log,
    "control": ControlSettings,
    "janitor": Janitor,
}
"""What stands under a key that isn't a plain value."""

SECRETS = ("dsn", "store_dsn")
"""Keys of a source whose value may also come from a file, under the key with ``_file`` behind it."""


def keys(model: type[Any]) -> list[str]:
    """The YAML keys that a model takes."""
    names = [field.name for field in fields(model)]
    return names + [f"{name}_file" for name in names if name in SECRETS]

"""A finding, and the codes that tell one kind from another; ``docs/checks.md`` has a paragraph for each code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

MIGRATE = "python -m jobqueue migrate"
GRANT = "python -m jobqueue grants --rights"
RECORD = f"{MIGRATE} --record-completions"


class Level(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """Figures, alerts or buttons are wrong or missing until it is mended."""
    WARNING = "warning"
    """All works, but not as well or as safely as it could."""


class Code(StrEnum):
    """The kinds of findings."""

    UNREACHABLE = "unreachable"
    QUEUE_MISSING = "queue-missing"
    COLUMN_MISSING = "column-missing"
    RIGHT_MISSING = "right-missing"
    ROWS_HIDDEN = "rows-hidden"
    INDEX_MISSING = "index-missing"
    INDEX_INVALID = "index-invalid"
    INDEX_SUPERFLUOUS = "index-superfluous"
    VIEW_MISSING = "view-missing"
    VIEW_INCOMPLETE = "view-incomplete"
    RECORDER_MISSING = "recorder-missing"
    RECORDER_INCOMPLETE = "recorder-incomplete"
    RECORDER_UNSAFE = "recorder-unsafe"
    SCHEMA_OPEN = "schema-open"
    SCHEDULE_UNREADABLE = "schedule-unreadable"
    SCHEDULE_IN_CODE = "schedule-in-code"
    TABLES_MISSING = "tables-missing"
    TABLES_OLD = "tables-old"
    TABLES_READ_ONLY = "tables-read-only"
    TABLES_UNWRITABLE = "tables-unwritable"
    NAME_TAKEN = "name-taken"
    STANDBY_LAGS = "standby-lags"
    CLOCK_DIFFERS = "clock-differs"
    CONNECTIONS_FEW = "connections-few"
    ROLE_MISSING = "role-missing"
    ROLE_MIGHTY = "role-mighty"
    ROLE_LACKS = "role-lacks"
    EXPORTER_UNREACHABLE = "exporter-unreachable"
    EXPORTER_UNREADY = "exporter-unready"
    CONTROL_UNREACHABLE = "control-unreachable"
    CONTROL_UNREADY = "control-unready"
    PROMETHEUS_UNREACHABLE = "prometheus-unreachable"
    PROMETHEUS_OLD = "prometheus-old"
    NOT_SCRAPED = "not-scraped"
    RULES_MISSING = "rules-missing"
    RULES_DIFFER = "rules-differ"
    RULES_FAILING = "rules-failing"
    LINKS_MISSING = "links-missing"
    NO_ALERTMANAGER = "no-alertmanager"
    ALERTMANAGER_UNREACHABLE = "alertmanager-unreachable"
    ALERTS_GO_NOWHERE = "alerts-go-nowhere"
    GRAFANA_UNREACHABLE = "grafana-unreachable"
    DATA_SOURCE_MISSING = "data-source-missing"
    DASHBOARD_MISSING = "dashboard-missing"
    DASHBOARD_DIFFERS = "dashboard-differs"
    FOLDER_OPEN = "folder-open"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and what to run; nothing to run where a person has to decide."""

    code: Code
    text: str
    sql: tuple[str, ...] = ()
    """Statements for the owner of the database, one after the other, outside a transaction."""
    commands: tuple[str, ...] = ()
    level: Level = Level.ERROR
    elsewhere: str = ""
    """The database that the statements are for, where that isn't the queue's but the one of our tables."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found about one source, or one program of the installation."""

    subject: str
    """A source's name, or such as ``Prometheus``."""
    findings: Sequence[Finding]
    facts: Mapping[str, str] = field(default_factory=dict)
    """What was seen, whether good or bad: versions, a pooler, a lag."""
    database: str = ""
    """Which database its SQL is for: equal for two sources of one database."""

    @property
    def is_good(self) -> bool:
        """Whether nothing has to be mended."""
        return all(finding.level is not Level.ERROR for finding in self.findings)

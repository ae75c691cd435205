"""Reports as people read them, and their SQL as psql runs it."""

from collections.abc import Iterable, Iterator, Sequence

from jobqueue.check.finding import Finding, Level, Report
from jobqueue.terminal import visible


class SeveralDatabasesError(Exception):
    """The SQL of these reports belongs into more than one database."""


def lines(report: Report) -> Iterator[str]:
    """A line for the subject, and for each finding one with its code and one for each thing to run."""
    mends = sum(finding.level is Level.ERROR for finding in report.findings)
    others = len(report.findings) - mends
    counts = [f"{mends} to mend"] * bool(mends) + [f"{others} to know"] * bool(others)
    yield f"{report.subject}: {', '.join(counts) or 'ok'}"
    for finding in report.findings:
        yield f"  {visible(finding.text)} [{finding.code}]"
        if finding.elsewhere:
            yield f"    {_in_database(finding)}"
        for mending in "\n".join([*finding.sql, *finding.commands]).splitlines():
            yield f"    {mending}"


def fix_sql(reports: Sequence[Report]) -> Iterator[str]:
    """The SQL of all findings, each under a comment with its text. Raises ``SeveralDatabasesError``.

    What is mended by a command or by a person stands there as a comment alone, and so does the SQL for our tables where
    they are in another database than the queue: psql is connected to one.
    """
    places = {report.database for report in reports if any(map(_runs, report.findings))}
    if len(places) > 1:
        raise SeveralDatabasesError
    for report in reports:
        for finding in report.findings:
            yield from _commented(report.subject, finding)


def _commented(subject: str, finding: Finding) -> Iterator[str]:
    yield f"-- {subject}: {visible(finding.text)} [{finding.code}]"
    for command in finding.commands:
        yield f"-- run: {command}"
    if _runs(finding):
        yield from finding.sql
    elif finding.sql:
        yield f"-- {_in_database(finding)}"
        yield from (f"-- {visible(mending)}" for mending in "\n".join(finding.sql).split("\n"))


def _runs(finding: Finding) -> bool:
    """Whether its SQL is for the queue's database."""
    return bool(finding.sql) and not finding.elsewhere


def _in_database(finding: Finding) -> str:
    return visible(f"in database {finding.elsewhere}, where our tables are (STORE_DATABASE_URL, store_dsn):")


def as_json(reports: Iterable[Report]) -> list[dict[str, object]]:
    """The same for programs; the keys are a promise."""
    return [
        {
            "subject": report.subject,
            "ok": report.is_good,
            "facts": dict(report.facts),
            "findings": [
                {
                    "code": str(finding.code),
                    "level": str(finding.level),
                    "text": finding.text,
                    "sql": list(finding.sql),
                    "commands": list(finding.commands),
                }
                for finding in report.findings
            ],
        }
        for report in reports
    ]

"""Health: the exporter and the control API themselves."""

from dashboards import columns, navigation, variables
from dashboards.columns import EXACT_TIME, RELATIVE_TIME, SOURCE
from dashboards.house import Board, Row, Tile
from dashboards.panels import trouble
from dashboards.panels.alerts import firing
from dashboards.panels.cards import Card, cards
from dashboards.panels.chart import CLOCK, COUNT, Axis, Style, chart, timeline
from dashboards.panels.looks import GOOD, NONE, PLAIN, QUIET, SOON, WRONG, steps, words
from dashboards.panels.table import Column, joined
from dashboards.promql import alerts, service

_COLLECTOR = "{{collector}}$of"
_COLORS = {
    "active": "green",
    "finished": "purple",
    "live": "yellow",
    "ready": "blue",
    "runs": "red",
    "schedules": "super-light-blue",
    "server": QUIET,
    "store": "orange",
    "workers": "super-light-purple",
}
"""There are more collectors than Grafana's palette has hues."""
_READ = words({1: ("OK", GOOD), 0: ("Failing", WRONG)})
_STALE = steps(PLAIN, (120, SOON), (300, WRONG))


def health() -> Board:
    """The dashboard about the dashboards' sources."""
    return Board(
        uid=navigation.HEALTH,
        title="System Status: Health",
        description="Whether what the other dashboards show can be trusted: the exporter, its reads, the control API.",
        time_from="now-6h",
        variables=variables.OF_HEALTH,
        links=navigation.bar(navigation.HEALTH),
        rows=[
            trouble.line(),
            Row(6, [in_short(), alerts_of_the_reading()], widths=[14, 10]),
            Row(6, [sources()]),
            Row(11, [collectors(), successes()], widths=[12, 12]),
            Row(9, [read_duration(), staleness()]),
            Row(9, [admin_actions(), janitor()]),
        ],
    )


def in_short() -> Tile:
    """Whether all is well."""
    return cards(
        "At a glance",
        "Sources: monitored queue databases. Oldest read: of the collector that is furthest behind.",
        [
            Card("Sources answering", service.answering(), steps(WRONG, (1, GOOD))),
            Card("Sources silent", service.silent(), steps(PLAIN, (1, WRONG))),
            Card("Collectors failing", service.failing_collectors(), steps(PLAIN, (1, WRONG))),
            Card("Oldest read", service.oldest_read(), _STALE, unit="s", decimals=0),
            Card("Control APIs", f"sum({service.control_apis()})", steps(SOON, (1, PLAIN))),
        ],
    )


def alerts_of_the_reading() -> Tile:
    """What is wrong with the exporter, the control API or the janitor."""
    return firing("firing_of_reading", alerts.OF_THE_READING)


def sources() -> Tile:
    """What is read, by how many, and since when."""
    return joined(
        "Sources",
        "**24 h since**: from when the 24-hour figures count. **Folded**: job types shown together as `__other__`, and "
        "workers and schedules not shown, for there are too many. **Exporters** and **Control APIs**: how many serve "
        "the source.",
        rows=service.sources(),
        columns=[
            Column("Source", "source", min_width=90),
            Column("Status", "Value #A", width=110, words=words({1: ("Up", GOOD), 0: ("Down", WRONG)})),
            Column("Engine", "engine", service.versions()),
            Column("Version", "engine_version"),
            Column("PostgreSQL", "server_version"),
            columns.count("Job types", service.job_types(), steps(PLAIN), width=90, none=service.NEVER),
            columns.count("Folded", service.folded(), steps(QUIET, (1, SOON)), width=80),
            Column(
                "24 h since",
                query=service.counted_since(),
                width=170,
                unit=EXACT_TIME,
                words=words({service.NEVER: NONE}),
            ),
            columns.count("Exporters", service.exporters(), steps(PLAIN), width=95),
            columns.count("Control APIs", service.control_apis(), steps(QUIET, (1, PLAIN)), width=110),
            Column(
                "Janitor ran",
                query=service.janitor_last_run(),
                width=150,
                unit=RELATIVE_TIME,
                words=words({service.NEVER: ("never by us", QUIET)}),
            ),
        ],
        sort=["Source"],
        empty="No sources: no exporter runs, or Prometheus does not scrape it.",
    )


def collectors() -> Tile:
    """Each of the exporter's reads."""
    return joined(
        "Collectors",
        "Each reads one thing of a source. What a failing one would show is absent from the dashboards, not old.",
        rows=service.collectors(),
        columns=[
            Column("Collector", "collector", min_width=110),
            SOURCE,
            Column("Status", "Value #A", width=90, words=_READ),
            Column(
                "Took",
                query=service.known_read_duration(),
                width=110,
                align="right",
                unit="s",
                words=words({service.NEVER: NONE}),
            ),
            Column(
                "Last Success",
                query=service.last_read(),
                width=170,
                unit=RELATIVE_TIME,
                words=words({service.NEVER: ("never", WRONG)}),
            ),
            Column("source", "source", hidden=True),
        ],
        sort=["Status", "Source", "Collector"],
        empty="No collectors: no exporter runs, or Prometheus does not scrape it.",
    )


def successes() -> Tile:
    """Since when a read fails."""
    return timeline(
        "Reads",
        "Whether each collector's newest read had succeeded.",
        service.collector_success(),
        _COLLECTOR,
        words=_READ,
        limits=steps(WRONG, (1, GOOD)),
        empty="No reads in this time range: no exporter runs, or Prometheus does not scrape it.",
    )


def read_duration() -> Tile:
    """What reading costs the database."""
    return chart(
        "Duration of reads",
        "How long each collector's newest read took.",
        {_COLLECTOR: service.read_duration()},
        Axis("s"),
        Style.THIN,
        empty="No reads in this time range: no exporter runs, or Prometheus does not scrape it.",
        colors=_COLORS,
    )


def staleness() -> Tile:
    """How old the figures are."""
    return chart(
        "Age of the figures",
        "How long before a scrape each collector had last succeeded. Slow reads lower their own rate.",
        {_COLLECTOR: service.age_when_scraped()},
        CLOCK,
        Style.THIN,
        empty="No reads in this time range: no exporter runs, or Prometheus does not scrape it.",
        colors=_COLORS,
    )


def admin_actions() -> Tile:
    """What admins did."""
    return chart(
        "Admin actions",
        "Actions by how they ended: done, failed, interrupted or refused. The log says by whom.",
        {"{{action}} {{outcome}}$of": service.ordered()},
        COUNT,
        Style.BARS,
        empty="No admin actions in this time range, or no control API is scraped.",
        minimum_step="2m",
    ).with_link("The audit log", "${control}/audit")


def janitor() -> Tile:
    """What the janitor cleaned up."""
    return chart(
        "Cleaned up by the janitor",
        "Rows that our janitor failed, cancelled or deleted, by step. An engine's own janitor does not show here.",
        {"{{step}}$of": service.removed()},
        COUNT,
        Style.BARS,
        empty="Our janitor removed nothing in this time range, or no control API is scraped.",
        minimum_step="2m",
    )

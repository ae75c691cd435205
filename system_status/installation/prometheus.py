"""Whether Prometheus scrapes the sources, has this version's rules, and hands alerts on."""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import yaml
from aiohttp import ClientSession

from jobqueue.check import Code, Finding, Level, Report
from system_status.installation.http import NoAnswerError, get_data, understood
from system_status.rules import rule_files

OLDEST = (2, 42)
_SHOWN = 5
_DISCOVERY_SECONDS = 15
_LINKS = ("grafana_url", "runbooks_url")
Rules = Mapping[str, Mapping[str, Any]]
"""By the name of the alert, or of the recorded series with its threshold."""


async def prometheus_report(session: ClientSession, address: str, sources: Collection[str]) -> Report:
    """Look at one Prometheus; *sources* are the names that it should have."""
    facts: dict[str, str] = {}
    try:
        with understood("Prometheus", address):
            api = f"{address.rstrip('/')}/api/v1"
            findings = [finding async for finding in _findings(session, api, sources, facts)]
    except NoAnswerError as error:
        findings = [Finding(Code.PROMETHEUS_UNREACHABLE, str(error))]
    return Report("Prometheus", findings, facts)


async def _findings(
    session: ClientSession, api: str, sources: Collection[str], facts: dict[str, str]
) -> AsyncIterator[Finding]:
    facts["version"] = str((await _asked(session, f"{api}/status/buildinfo")).get("version", ""))
    if _numbers(facts["version"]) < OLDEST:
        text = f"Prometheus is version {facts['version']}: the rules need {'.'.join(map(str, OLDEST))} or newer"
        yield Finding(Code.PROMETHEUS_OLD, text)
    found = await _asked(session, f"{api}/query?query={quote('group by (source) (jobqueue_up)')}")
    scraped = {series["metric"].get("source") for series in found["result"]}
    for source in sources:
        if source not in scraped:
            yield Finding(
                Code.NOT_SCRAPED,
                f"Prometheus has no current series of source {source}: add the exporter to scrape_configs, or see its "
                "page of targets for the error",
            )
    loaded = await _asked(session, f"{api}/rules")
    rules = _by_name(loaded["groups"], "name")
    for finding in _rule_findings(rules):
        yield finding
    both = [(name, rule, rules[name]) for name, rule in _ours().items() if name in rules]
    differing = [name for name, rule, its in both if await _differs(session, api, rule["expr"], its["query"])]
    if differing:
        text = f"other expressions than this version's: {_some(differing)}"
        yield Finding(Code.RULES_DIFFER, text, level=Level.WARNING)
    configuration = yaml.safe_load((await _asked(session, f"{api}/status/config"))["yaml"]) or {}
    if not (configuration.get("alerting") or {}).get("alertmanagers") or not await _has_alertmanager(session, api):
        text = "Prometheus has no Alertmanager, so alerts reach nobody: add alerting.alertmanagers to its configuration"
        yield Finding(Code.NO_ALERTMANAGER, text)
    labels = (configuration.get("global") or {}).get("external_labels") or {}
    missing = [label for label in _LINKS if not labels.get(label)]
    if missing:
        text = f"global.external_labels lack {' and '.join(missing)}: the links of alerts lead nowhere"
        yield Finding(Code.LINKS_MISSING, text, level=Level.WARNING)


async def _asked(session: ClientSession, url: str) -> Any:
    answer = await get_data(session, url)
    if not isinstance(answer, dict) or answer.get("status") != "success":
        raise NoAnswerError(f"{url}: not an answer of Prometheus")
    return answer["data"]


async def _has_alertmanager(session: ClientSession, api: str) -> bool:
    """Wait for discovery, which begins anew when Prometheus reloads its configuration and takes some seconds."""
    for _ in range(_DISCOVERY_SECONDS):
        if (await _asked(session, f"{api}/alertmanagers"))["activeAlertmanagers"]:
            return True
        await asyncio.sleep(1)
    return False


async def _differs(session: ClientSession, api: str, *expressions: str) -> bool:
    """Compare expressions as Prometheus itself writes them."""
    written = {await _asked(session, f"{api}/format_query?query={quote(expression)}") for expression in expressions}
    return len(written) > 1


def _rule_findings(loaded: Rules) -> Iterator[Finding]:
    ours = _ours()
    missing = [name for name in ours if name not in loaded]
    if missing:
        text = f"{len(missing)} of {len(ours)} rules aren't loaded: {_some(missing)}"
        yield Finding(Code.RULES_MISSING, text, commands=("system-status rules --to /etc/prometheus/rules",))
    for name, rule in loaded.items():
        if name in ours and rule.get("health") == "err":
            yield Finding(Code.RULES_FAILING, f"rule {name}: {rule.get('lastError', 'no reason given')[:200]}")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + ", …" * (len(names) > _SHOWN)


def _ours() -> Rules:
    documents = [yaml.safe_load(file.read_text("utf-8")) for file in rule_files()]
    groups = [group for document in documents for group in document["groups"]]
    return _by_name(groups, "alert", "record")


def _by_name(groups: Iterable[Mapping[str, Any]], *keys: str) -> Rules:
    """The rules by name, and by the threshold that they record: those share a name."""
    rules = [rule for group in groups for rule in group["rules"]]
    names = [next(rule[key] for key in keys if key in rule) for rule in rules]
    thresholds = [(rule.get("labels") or {}).get("threshold") for rule in rules]
    return {
        f"{name} ({threshold})" if threshold else name: rule
        for name, threshold, rule in zip(names, thresholds, rules, strict=True)
    }


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])

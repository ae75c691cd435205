"""Whether Alertmanager sends alerts to anybody."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import yaml
from aiohttp import ClientSession

from jobqueue.check import Code, Finding, Report
from system_status.installation.http import NoAnswerError, get_data, understood


async def alertmanager_report(session: ClientSession, address: str) -> Report:
    """Look at one Alertmanager."""
    facts: dict[str, str] = {}
    try:
        with understood("Alertmanager", address):
            findings = [finding async for finding in _findings(session, address.rstrip("/"), facts)]
    except NoAnswerError as error:
        findings = [Finding(Code.ALERTMANAGER_UNREACHABLE, str(error))]
    return Report("Alertmanager", findings, facts)


async def _findings(session: ClientSession, address: str, facts: dict[str, str]) -> AsyncIterator[Finding]:
    status = await get_data(session, f"{address}/api/v2/status")
    configuration = yaml.safe_load(status["config"]["original"]) or {}
    facts["version"] = str((status.get("versionInfo") or {}).get("version", ""))
    receiver = (configuration.get("route") or {}).get("receiver")
    if not _sends(configuration, receiver):
        text = f"the default receiver {receiver!r} sends nothing: give it an integration, such as webhook_configs"
        yield Finding(Code.ALERTS_GO_NOWHERE, text)


def _sends(configuration: Mapping[str, Any], receiver: str | None) -> bool:
    found = [each for each in configuration.get("receivers") or [] if each.get("name") == receiver]
    return any(value for each in found for key, value in each.items() if key.endswith("_configs"))

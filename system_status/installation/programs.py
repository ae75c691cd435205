"""Whether exporter and control API answer, and are ready."""

from http import HTTPStatus

from aiohttp import ClientSession

from jobqueue.check import Code, Finding, Report
from system_status.installation.http import NoAnswerError, get_text, without_user

_READY = "ok\n"


async def exporter_report(session: ClientSession, address: str) -> Report:
    """Look at an exporter, such as ``http://localhost:9810``."""
    return await _report(session, "exporter", address, Code.EXPORTER_UNREACHABLE, Code.EXPORTER_UNREADY)


async def control_report(session: ClientSession, address: str) -> Report:
    """Look at a control API, such as ``http://localhost:9811``."""
    return await _report(session, "control API", address, Code.CONTROL_UNREACHABLE, Code.CONTROL_UNREADY)


async def _report(session: ClientSession, subject: str, address: str, unreachable: Code, unready: Code) -> Report:
    url = f"{address.rstrip('/')}/readyz"
    try:
        status, text = await get_text(session, url)
    except NoAnswerError as error:
        return Report(subject, [Finding(unreachable, str(error))])
    if status == HTTPStatus.OK and text == _READY:
        return Report(subject, [])
    code = unready if status == HTTPStatus.SERVICE_UNAVAILABLE else unreachable
    return Report(subject, [Finding(code, without_user(f"{url}: status {status}: {' '.join(text.split())[:500]}"))])

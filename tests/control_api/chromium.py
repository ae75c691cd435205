"""A real browser without a window, moved by the DevTools protocol: enough to click, and to read what is there."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
]
_PROGRAM = Path(__file__).parents[2] / "scripts/chromium"
_PATIENCE = 20.0


class Tab:
    """One page; waits until what it is asked for is there."""

    def __init__(self, line: ClientWebSocketResponse, session: str) -> None:
        self._line = line
        self._session = session
        self._numbers = count(1)

    async def open(self, url: str) -> None:
        await self.send("Page.navigate", url=url)

    async def click(self, selector: str, text: str) -> None:
        """Click what *selector* finds and says *text*, as soon as it is there, and leave the page."""
        await self._until(
            f"(() => {{ const found = [...document.querySelectorAll({json.dumps(selector)})]"
            f".find(one => one.textContent.trim() === {json.dumps(text)});"
            " if (!found) return false; found.click(); return true; })()"
        )

    async def reads(self, text: str) -> str:
        """Wait until the page says *text*; answers all that it says."""
        await self._until(f"document.body && document.body.innerText.includes({json.dumps(text)})")
        return str(await self.evaluate("document.body.innerText"))

    async def address(self) -> str:
        return str(await self.evaluate("location.pathname"))

    async def evaluate(self, expression: str) -> Any:
        answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer.get("result", {}).get("value")

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters, "sessionId": self._session}
        return await _ask(self._line, number, message)

    async def _until(self, expression: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                while not await self.evaluate(expression):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            page = await self.evaluate("location.href + '\\n' + document.body.innerText")
            raise AssertionError(f"waited in vain for {expression} on\n{page}") from None


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Tab]:
    process = await asyncio.create_subprocess_exec(
        _PROGRAM, *_OPTIONS, f"--user-data-dir={profile}", stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(_PATIENCE):
            while not (found := re.search(rb"DevTools listening on (ws://\S+)", await process.stderr.readline())):
                pass
        drain = asyncio.create_task(process.stderr.read())
        async with ClientSession() as http, http.ws_connect(found[1].decode(), max_msg_size=0) as line:
            target = await _ask(line, -1, {"id": -1, "method": "Target.createTarget", "params": {"url": "about:blank"}})
            parameters = {"targetId": target["targetId"], "flatten": True}
            attached = await _ask(line, -2, {"id": -2, "method": "Target.attachToTarget", "params": parameters})
            yield Tab(line, attached["sessionId"])
    finally:
        process.terminate()
        await process.wait()
        await drain


async def _ask(line: ClientWebSocketResponse, number: int, message: dict[str, Any]) -> dict[str, Any]:
    await line.send_json(message)
    while True:
        answer = await line.receive_json(timeout=_PATIENCE)
        if answer.get("id") == number:
            result: dict[str, Any] = answer.get("result", {})
            return result

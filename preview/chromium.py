"""A real browser without a window, moved by the DevTools protocol: enough to click, to read, and to take pictures."""

import asyncio
import base64
import json
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from time import monotonic, sleep
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
    "--hide-scrollbars",
    "--font-render-hinting=none",
    "--remote-debugging-port=0",
]
_PROGRAM = Path(__file__).parents[1] / "scripts/chromium"
_PATIENCE = 60.0
_STARTS_WITHIN = 30.0
_ANSWERS_WITHIN = 60.0


class NotFoundError(AssertionError):
    """What was waited for didn't come; the text says what is there instead."""


class Tab:
    """One page; waits until what it is asked for is there.

    ``complaints`` are the errors of its console, and the answers from 400 on that it got.
    """

    def __init__(self, line: ClientWebSocketResponse, session: str) -> None:
        self._line = line
        self._session = session
        self._numbers = count(1)
        self.complaints: list[str] = []

    async def open(self, url: str) -> None:
        """Go to *url*."""
        await self.send("Page.navigate", url=url)

    async def click(self, selector: str, text: str) -> None:
        """Click the first that *selector* finds and that says *text*, as soon as it is there."""
        await self.until(
            f"(() => {{ const found = [...document.querySelectorAll({json.dumps(selector)})]"
            f".find(one => one.textContent.trim() === {json.dumps(text)});"
            " if (!found) return false; found.click(); return true; })()"
        )

    async def reads(self, text: str) -> str:
        """Wait until the page says *text*; answers all that it says."""
        await self.until(f"document.body && document.body.innerText.includes({json.dumps(text)})")
        return str(await self.evaluate("document.body.innerText"))

    async def address(self) -> str:
        """The path that is shown."""
        return str(await self.evaluate("location.pathname"))

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, or what its promise brings. Raises ``NotFoundError`` if it throws."""
        answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise NotFoundError(answer["exceptionDetails"].get("exception", {}).get("description", str(answer)))
        return answer.get("result", {}).get("value")

    async def until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true. Raises ``NotFoundError``."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while not await self._holds(expression):  # noqa: ASYNC110 -- nobody tells us
                    await asyncio.sleep(0.05)
        except TimeoutError:
            page = await self.evaluate("location.href + '\\n' + document.body.innerText")
            raise NotFoundError(f"waited in vain for {expression} on\n{page}") from None

    async def resize(self, width: int, height: int) -> None:
        """Make the window so many pixels wide and high."""
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def picture(self) -> bytes:
        """What the window shows, as PNG."""
        answer = await self.send("Page.captureScreenshot", format="png", optimizeForSpeed=False)
        return base64.b64decode(answer["data"])

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol; answers with its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters, "sessionId": self._session}
        return await _ask(self._line, number, message, self._hear)

    async def _holds(self, expression: str) -> bool:
        answer = await self.send("Runtime.evaluate", expression=f"Boolean({expression})", returnByValue=True)
        return bool(answer.get("result", {}).get("value"))

    def _hear(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                self.complaints.append(details.get("exception", {}).get("description", details["text"]))
            case "Runtime.consoleAPICalled" if parameters["type"] == "error":
                said = (str(one.get("value", one.get("description", ""))) for one in parameters["args"])
                self.complaints.append(" ".join(said))
            case "Network.responseReceived" if parameters["response"]["status"] >= 400:
                self.complaints.append(f"{parameters['response']['status']} {parameters['response']['url']}")


@contextmanager
def browser(profile: Path) -> Iterator[str]:
    """Run a browser that keeps what it has to keep in the new folder *profile*; answers with its DevTools' address."""
    with subprocess.Popen(  # noqa: S603 -- our own script
        [_PROGRAM, *_OPTIONS, f"--user-data-dir={profile}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield _address(process, profile / "DevToolsActivePort")
        finally:
            process.terminate()


def _address(process: "subprocess.Popen[bytes]", told: Path) -> str:
    deadline = monotonic() + _STARTS_WITHIN
    while not told.exists() or told.read_text().count("\n") < 1:
        if process.poll() is not None or monotonic() > deadline:
            raise NotFoundError(f"{_PROGRAM} doesn't start")
        sleep(0.05)
    port, path = told.read_text().split()
    return f"ws://127.0.0.1:{port}{path}"


@asynccontextmanager
async def open_tab(address: str) -> AsyncIterator[Tab]:
    """Open an empty page in the browser at *address*, and close it at the end."""
    async with ClientSession() as http, http.ws_connect(address, max_msg_size=0) as line:
        target = await _ask(line, -1, {"id": -1, "method": "Target.createTarget", "params": {"url": "about:blank"}})
        parameters = {"targetId": target["targetId"], "flatten": True}
        attached = await _ask(line, -2, {"id": -2, "method": "Target.attachToTarget", "params": parameters})
        tab = Tab(line, attached["sessionId"])
        for domain in ("Runtime", "Network"):
            await tab.send(f"{domain}.enable")
        yield tab
        await _ask(line, -3, {"id": -3, "method": "Target.closeTarget", "params": {"targetId": target["targetId"]}})


async def _ask(
    line: ClientWebSocketResponse,
    number: int,
    message: dict[str, Any],
    hear: Callable[[dict[str, Any]], None] = lambda event: None,
) -> dict[str, Any]:
    await line.send_json(message)
    while True:
        answer = await line.receive_json(timeout=_ANSWERS_WITHIN)
        if answer.get("id") == number:
            result: dict[str, Any] = answer.get("result", {})
            return result
        hear(answer)

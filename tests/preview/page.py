"""The preview's page as a reader sees it, and what it tells of itself."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from preview.chromium import Tab

WIDTH = 1600
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A tab in which the preview is open."""

    url: str
    tab: Tab

    async def open(self, path: str) -> None:
        """Go to *path*, and wait until the whole of it is drawn."""
        await self.tab.resize(WIDTH, 900)
        await self.tab.open(self.url + path)
        await self.drawn(uid=path.removeprefix("/d/").partition("?")[0])

    async def drawn(self, uid: str) -> None:
        """Wait until all of that dashboard is drawn; the window is made as high as it is."""
        await self.tab.until(f"window.preview?.live?.json?.uid === {json.dumps(uid)}")
        await self.tab.evaluate("preview.settled()")
        height = await self.tab.evaluate("document.getElementById('root').scrollHeight")
        await self.tab.resize(WIDTH, height)
        await self.tab.evaluate("preview.settled()")

    async def refresh(self) -> None:
        """Press Refresh, and wait until everything is new."""
        await self.tab.evaluate("preview.live.refresh()")
        await self.tab.evaluate("preview.settled()")

    async def dump(self) -> Json:
        found: Json = await self.tab.evaluate("preview.dump()")
        return found

    async def panel(self, title: str) -> Json:
        found: Json = next(one for one in (await self.dump())["panels"] if one["title"] == title)
        return found

    async def table(self, title: str) -> list[dict[str, str]]:
        """The rows of a table as they are on the screen, by the columns' headers."""
        screen = (await self.panel(title))["screen"]
        return [dict(zip(screen["headers"], row, strict=True)) for row in screen["rows"]]

    async def press(self, panel: str, row: str, button: str) -> str:
        """Press a button in the row of a table that says *row*; answers with the question that comes."""
        await self.tab.until(
            f"(() => {{ const row = [...document.querySelectorAll('[data-panel-title={json.dumps(panel)}] [role=row]')]"
            f".find(one => one.innerText.includes({json.dumps(row)}));"
            f" const button = row && [...row.querySelectorAll('button')]"
            f".find(one => one.textContent.trim() === {json.dumps(button)});"
            " button?.click(); return button; })()"
        )
        await self.tab.until("document.querySelector('[role=dialog]')")
        return str(await self.tab.evaluate("document.querySelector('[role=dialog]').innerText"))

    async def answer(self, button: str) -> None:
        """Press a button of the dialog, and wait until it is gone."""
        await self.tab.click("[role=dialog] button", button)
        await self.tab.until("!document.querySelector('[role=dialog]')")

    async def sent(self) -> list[Json]:
        """The requests that actions have sent, once they are answered."""
        await self.tab.until("preview.actionLog.every(one => one.done)")
        found: list[Json] = await self.tab.evaluate("preview.actionLog")
        return found

    async def path_and_query(self) -> str:
        return str(await self.tab.evaluate("location.pathname + location.search"))

    async def pause(self) -> None:
        await asyncio.sleep(1)

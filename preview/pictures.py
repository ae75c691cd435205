"""Pictures of the dashboards as the preview draws them."""

from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from aiohttp import ClientSession

from preview.chromium import Tab, browser, open_tab

_WIDTH = 1600


async def draw(url: str, into: Path, job_type: str) -> None:
    """Draw each dashboard of the preview at *url* over its own time range, as a PNG named by its uid."""
    async with ClientSession() as http, http.get(f"{url}/preview/dashboards") as answer:
        uids = [one["uid"] for one in await answer.json()]
    into.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 -- nothing else runs here
    query = urlencode({"var-job_type": job_type})
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, browser(Path(folder) / "profile") as address:
        async with open_tab(address) as tab:
            for uid in uids:
                await tab.open(f"{url}/d/{uid}?{query}")
                picture = await _whole(tab, uid)
                (into / f"{uid}.png").write_bytes(picture)
                print(f"{into / uid}.png: {len(picture) // 1000} kB", flush=True)


async def _whole(tab: Tab, uid: str) -> bytes:
    await tab.resize(_WIDTH, 900)
    await tab.until(f"window.preview?.live?.json?.uid === '{uid}'")
    await tab.evaluate("preview.settled()")
    await tab.resize(_WIDTH, await tab.evaluate("document.getElementById('root').scrollHeight"))
    await tab.evaluate("preview.settled()")
    return await tab.picture()

"""The page on a phone, and for who reads it with the keyboard or a screen reader."""

from itertools import pairwise

from tests.preview.page import Page

_PHONE = 390
_RECTS = (
    "[...document.querySelectorAll('main [data-panel-key]')].map(one => one.getBoundingClientRect())"
    ".map(({left, right, top, bottom}) => ({left, right, top, bottom}))"
)
_FOCUSED = "document.activeElement.title || document.activeElement.textContent.trim()"
_KEY = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}


async def test_on_a_phone_panels_stand_below_one_another_as_wide_as_the_page(page: Page) -> None:
    await page.tab.resize(_PHONE, 800)
    await page.tab.open(f"{page.url}/d/system-status-workers")
    await page.tab.until("window.preview?.live?.json?.uid === 'system-status-workers'")
    await page.tab.evaluate("preview.settled()")
    rects = await page.tab.evaluate(_RECTS)

    assert {(one["left"], one["right"]) for one in rects} == {(16, _PHONE - 16)}
    assert all(above["bottom"] < below["top"] for above, below in pairwise(rects))
    assert await page.tab.evaluate("document.documentElement.scrollWidth") == _PHONE


async def test_the_page_has_one_heading_and_one_main_part(page: Page) -> None:
    await page.open("/d/system-status-jobs")

    assert await page.tab.evaluate("[...document.querySelectorAll('h1')].map(one => one.textContent)") == [
        "System Status"
    ]
    assert await page.tab.evaluate("document.querySelectorAll('main').length") == 1


async def test_the_pages_that_ask_are_reached_by_the_keyboard_alone(page: Page) -> None:
    await page.open("/d/system-status-jobs")
    reached = []
    for _ in range(60):
        await page.tab.send("Input.dispatchKeyEvent", type="keyDown", **_KEY)
        await page.tab.send("Input.dispatchKeyEvent", type="keyUp", **_KEY)
        reached.append(await page.tab.evaluate(_FOCUSED))

    assert "All actions, asked about on a page of their own" in reached

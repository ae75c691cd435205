"""The control API as it is served, on a real port over a real queue, and somebody who asks it."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

from aiohttp import ClientResponse, ClientSession, DummyCookieJar, web
from pydantic import SecretStr
from yarl import URL

from control_api.app import create_app
from control_api.security import unread
from control_api.settings import ControlSettings
from jobqueue.config import Janitor, Source
from jobqueue.serving import Runner

HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
JSON = {"Accept": "application/json, text/plain, */*"}
BY_HAND = Janitor(every=timedelta(0))


def settings(**more: Any) -> ControlSettings:
    """Whoever sits at this machine is let in, and scripts; the janitor doesn't run by itself."""
    return ControlSettings(**{"auth": ("token", "loopback"), "janitor": BY_HAND, **more})


def application(sources: Mapping[str, str], **more: Any) -> web.Application:
    """The application over *sources*, names with their databases; *more* settings."""
    return create_app([Source(name=name, dsn=SecretStr(dsn)) for name, dsn in sources.items()], settings(**more))


@dataclass(frozen=True, slots=True)
class Service:
    """What serves at ``url``, and somebody who asks; addresses are sent as they are written."""

    app: web.Application
    url: str
    session: ClientSession

    async def get(self, path: str, headers: Mapping[str, str] = JSON) -> ClientResponse:
        return await self.send("GET", path, headers)

    async def post(
        self, path: str, headers: Mapping[str, str] = JSON, data: object = None, json: object = None
    ) -> ClientResponse:
        return await self.send("POST", path, {"Sec-Fetch-Site": "same-origin", **headers}, data, json)

    async def page(self, path: str) -> "Page":
        """A page that is there."""
        answer = await self.get(path, HTML)
        text = await answer.text()
        assert answer.status == 200, text
        return Page.read(text)

    async def press(self, form: "Form", **fields: str) -> ClientResponse:
        """Send a form, as the browser does."""
        return await self.post(form.action, HTML, data=form.fields | fields)

    async def send(
        self, method: str, path: str, headers: Mapping[str, str], data: object = None, json: object = None
    ) -> ClientResponse:
        url = URL(self.url + path, encoded=True)
        answer = await self.session.request(method, url, headers=headers, data=data, json=json, allow_redirects=False)
        await answer.read()
        return answer


@dataclass(slots=True)
class Form:
    """A form: where it goes, what it sends, what its button says."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    button: str = ""


@dataclass(slots=True)
class Page:
    """What somebody sees: words, links by their label, the forms that post."""

    html: str
    text: str = ""
    links: dict[str, str] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)

    @classmethod
    def read(cls, html: str) -> "Page":
        page = cls(html)
        reader = _Reader(page)
        reader.feed(html)
        reader.close()
        page.text = re.sub(r"\s+", " ", page.text)
        return page


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._link: tuple[str, str | None] | None = None
        self._in_button = False
        self._words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "href" in values:
            self._page.addresses.append(values["href"])
        match tag:
            case "a":
                self._link, self._words = (values["href"], values.get("aria-label")), ""
            case "form":
                if values["method"] == "post":
                    self._page.forms.append(Form(values["action"]))
            case "input":
                if values["type"] == "hidden":
                    self._page.forms[-1].fields[values["name"]] = values["value"]
            case "button":
                self._in_button = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link:
            address, label = self._link
            self._page.links[label or self._words.strip()] = address
            self._link = None
        self._in_button = self._in_button and tag != "button"

    def handle_data(self, data: str) -> None:
        self._page.text += data
        self._words += data
        if self._in_button and self._page.forms:
            self._page.forms[-1].button += data


@asynccontextmanager
async def serving(sources: Mapping[str, str], **more: Any) -> AsyncIterator[Service]:
    """Serve until the context ends."""
    app = application(sources, **more)
    runner = Runner(app, unread, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with ClientSession(cookie_jar=DummyCookieJar()) as session:
            yield Service(app, f"http://127.0.0.1:{runner.addresses[0][1]}", session)
    finally:
        await runner.cleanup()

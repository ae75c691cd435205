"""A line to PostgreSQL that can go dead without a word, as when a firewall drops packets or a host freezes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Wire:
    """Relays connections while it is ``alive``; else it takes them and answers nothing to what it ``swallowed``."""

    def __init__(self, address: str) -> None:
        self.alive = asyncio.Event()
        self.swallowed = asyncio.Event()
        self.connections = 0
        """How many were made so far."""
        self._url = urlsplit(address)
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where to connect to, instead of the server itself."""
        return self._url._replace(netloc=f"{self._url.username}@127.0.0.1:{self._port}").geturl()

    def changed(self, data: bytes) -> bytes:
        """The bytes that are passed on; here, as they came."""
        return data

    @asynccontextmanager
    async def strung(self) -> AsyncIterator["Wire"]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self.alive.set()
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            server_reader, server_writer = await asyncio.open_connection(self._url.hostname, self._url.port)
        except OSError:
            writer.close()
            return
        for source, target in ((reader, server_writer), (server_reader, writer)):
            task = asyncio.create_task(self._relay(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _relay(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                if not self.alive.is_set():
                    self.swallowed.set()
                    await self.alive.wait()
                target.write(self.changed(data))
                await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()

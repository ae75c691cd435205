"""The ports on which the demo's programs serve, all on this machine's loopback."""

import http.client
import os
import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ports:
    """The port of each program; the option that chooses another is its name, as in ``--exporter-port``."""

    exporter: int = 9810
    control: int = 9811
    prometheus: int = 9090
    alertmanager: int = 9093
    webhook: int = 9095
    preview: int = 3000


class PortTaken(Exception):  # noqa: N818 -- it says what is wrong with a port
    """Somebody else listens there; names the option that chooses another port."""


def must_be_free(ports: Ports, *names: str) -> None:
    """Raise ``PortTaken`` when nothing more can listen on one of those *names*."""
    for name in names:
        _must_be_free(getattr(ports, name), f"--{name}-port")


def _must_be_free(port: int, option: str) -> None:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise PortTaken(
            f"port {port} can't be used ({os.strerror(error.errno or 0)}); choose another with {option}"
        ) from None


def get(port: int, path: str) -> str | None:
    """The body of what is served at *path* on *port*; None without a successful answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if response.status == http.HTTPStatus.OK else None

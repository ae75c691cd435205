"""The ports on which the demo's programs serve, all on this machine's loopback."""

import http.client
import socket


class PortTaken(Exception):  # noqa: N818 -- it says what is wrong with a port
    """Somebody else listens there; names the option that chooses another port."""


def must_be_free(port: int, option: str) -> None:
    """Raise ``PortTaken`` when nothing more can listen on *port*."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise PortTaken(f"port {port} can't be used ({error.strerror}); choose another with {option}") from None


def answers(port: int, path: str) -> bool:
    """Whether a GET of *path* on *port* is answered with success."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

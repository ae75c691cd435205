"""Credentials in the places where clients put them, and the ways in which a message can be broken there."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from secrets import token_hex


def _request(target: bytes = b"/control/main/janitor", header: bytes = b"X-Y: z", body: bytes = b"a=b") -> bytes:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\nContent-Length: %d\r\n\r\n%s"
    return head % (target, header, len(body), body)


CREDENTIALS: Mapping[str, Callable[[bytes], bytes]] = {
    "bearer token": lambda secret: _request(header=b"Authorization: Bearer " + secret),
    "session cookie": lambda secret: _request(header=b"Cookie: grafana_session=" + secret),
    "basic auth": lambda secret: _request(header=b"Authorization: Basic " + secret),
    "token in the query": lambda secret: _request(target=b"/control/?token=" + secret),
    "request id": lambda secret: _request(body=b"request_id=" + secret),
    "idempotency key": lambda secret: _request(header=b"Idempotency-Key: " + secret),
}
"""By name: an ordinary request that carries one."""

_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def new_secret() -> bytes:
    """Something that looks like each of them."""
    return b64encode(f"u:{token_hex(24)}".encode())


def _after(junk: bytes) -> Callable[[bytes, bytes], bytes]:
    return lambda message, secret: message.replace(secret, secret + junk)


def _before(junk: bytes) -> Callable[[bytes, bytes], bytes]:
    return lambda message, secret: message.replace(secret, junk + secret)


def _instead(old: bytes, new: bytes) -> Callable[[bytes, bytes], bytes]:
    return lambda message, secret: message.replace(old, new, 1)


def _with(header: bytes) -> Callable[[bytes, bytes], bytes]:
    return _instead(b"Host: x\r\n", b"Host: x\r\n" + header + b"\r\n")


def _chunks(body: bytes) -> Callable[[bytes, bytes], bytes]:
    """The body in chunks that aren't right, the credential beside or in them."""
    return lambda message, secret: message.partition(b"Content-Length")[0] + _CHUNKED + body.replace(b"SECRET", secret)


def _alone(junk: bytes) -> Callable[[bytes, bytes], bytes]:
    return lambda message, secret: junk + secret + b"\r\n\r\n"


FORMS: Mapping[str, Callable[[bytes, bytes], bytes]] = {
    "as it should be": lambda message, secret: message,
    "a carriage return behind it": _after(b"\rmore"),
    "a carriage return before it": _before(b"\r"),
    "a NUL behind it": _after(b"\0more"),
    "a control character behind it": _after(b"\x01"),
    "an escape sequence behind it": _after(b"\x1b[31m"),
    "a DEL behind it": _after(b"\x7f"),
    "bytes that are no UTF-8": _after(b"\xff\xfe\x80"),
    "a C1 character": _after("\x85\x9b".encode()),
    "a line feed alone": _after(b"\nX: y"),
    "a folded line": _after(b"\r\n folded"),
    "a line without a colon": _after(b"\r\nnonsense"),
    "a line that begins with a colon": _after(b"\r\n: x"),
    "a blank before the colon": _after(b"\r\nHost : y"),
    "a header's name that is none": _after(b"\r\nA\x01B: y"),
    "a line that is too long": _after(b"a" * 9000),
    "very much too long": _after(b"a" * 200_000),
    "too many headers": _after(b"\r\nX: y" * 300),
    "two lengths": _with(b"Content-Length: 7"),
    "a length and chunks": _with(b"Transfer-Encoding: chunked"),
    "a length that is no number": _instead(b"Content-Length: ", b"Content-Length: +"),
    "an unknown encoding": _with(b"Transfer-Encoding: identity, chunked, x"),
    "an unknown expectation": lambda message, secret: _with(b"Expect: " + secret)(message, secret),
    "an expectation": _with(b"Expect: 100-continue"),
    "two hosts": _with(b"Host: y"),
    "no host": _instead(b"Host: x\r\n", b""),
    "an upgrade": _with(b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"),
    "an upgrade to HTTP/2": _with(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk"),
    "a chunk without a size": _chunks(b"SECRET\r\nab\r\n"),
    "a chunk that is too short": _chunks(b"3\r\nSECRET\r\n0\r\n\r\n"),
    "a chunk's extension": _chunks(b"2;a=SECRET\x01\r\nab\r\n0\r\n\r\n"),
    "a trailer that is none": _chunks(b"2\r\nab\r\n0\r\nSECRET\r\n\r\n"),
    "a size beyond all numbers": _chunks(b"FFFFFFFFFFFFFFFFFF\r\nSECRET"),
    "an unknown version": _instead(b"HTTP/1.1", b"HTTP/9.9"),
    "no version": _instead(b" HTTP/1.1", b""),
    "another protocol": _instead(b"HTTP/1.1", b"RTSP/1.0"),
    "an unknown method": _instead(b"POST ", b"P\x00ST "),
    "CONNECT": _instead(b"POST ", b"CONNECT "),
    "CONNECT to a host": lambda message, secret: (
        b"CONNECT " + secret + b":443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    ),
    "an absolute address": _instead(b"POST /", b"POST http://user:pass@x:99999/"),
    "an address that is none": _instead(b"POST /", b"POST http://[::1/"),
    "blanks in the address": _instead(b"POST /", b"POST / /"),
    "a bad request behind a good one": lambda message, secret: (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + message.replace(secret, secret + b"\x01")
    ),
    "the preface of HTTP/2": _alone(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "the hello of TLS": _alone(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "no HTTP at all": _alone(b"\x00\x01\x02"),
    "a line only": _alone(b"AUTH "),
    "cut off in the middle": lambda message, secret: message[: message.index(secret) + len(secret)],
}
"""By name: what is sent of a request that carries a credential."""

CUT_OFF = frozenset({"cut off in the middle", "a size beyond all numbers"})
"""The program waits for more: we hang up."""

"""Whoever reaches a port: messages that can't be read, with each kind of credential in them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from control_api.security.headers import ALWAYS
from tests.security.broken import CREDENTIALS, CUT_OFF, FORMS, new_secret
from tests.security.programs import HEALTHZ, Program, heads, running

_SOURCE = "postgresql://nobody:hunter2@127.0.0.1:1/none"
_HEADERS = {
    "exporter": {"Server": "system-status", "X-Content-Type-Options": "nosniff"},
    "control_api": dict(ALWAYS),
}
_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a program answered to each credential in each form, and everything that it wrote meanwhile."""

    module: str
    answers: dict[bytes, bytes]
    """By the secret that was sent; every one was sent once."""
    names: dict[bytes, tuple[str, str]]
    afterwards: bytes
    """The answer to a good request after all the others."""
    log: bytes


async def _exchange(module: str, log_format: str, folder: Path) -> Exchange:
    names = {new_secret(): (credential, form) for credential in CREDENTIALS for form in FORMS}
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one(program: Program, secret: bytes) -> bytes:
        credential, form = names[secret]
        message = FORMS[form](CREDENTIALS[credential](secret), secret)
        async with limit:
            return await program.send(message, hang_up=form in CUT_OFF)

    variables = {"DATABASE_URL": _SOURCE, "LOG_LEVEL": "debug", "LOG_FORMAT": log_format}
    async with running(module, folder, **variables) as program:
        answers = await asyncio.gather(*(one(program, secret) for secret in names))
        afterwards = await program.send(HEALTHZ)
    return Exchange(module, dict(zip(names, answers, strict=True)), names, afterwards, program.log())


@pytest.fixture(
    scope="module", params=[(module, form) for module in _HEADERS for form in ("json", "console")], ids="-".join
)
def exchange(request: pytest.FixtureRequest) -> Iterator[Exchange]:
    module, log_format = request.param
    with TemporaryDirectory() as folder:
        yield asyncio.run(_exchange(module, log_format, Path(folder)))


def test_a_credential_in_a_message_that_cannot_be_read_is_never_logged(exchange: Exchange) -> None:
    assert len(FORMS) >= 20
    logged = [
        names for secret, names in exchange.names.items() if secret[:16] in exchange.log or secret[-16:] in exchange.log
    ]

    assert logged == []
    assert b"hunter2" not in exchange.log
    assert exchange.log.count(b"message.unreadable") > len(FORMS)


def test_a_message_that_cannot_be_read_is_not_sent_back(exchange: Exchange) -> None:
    assert [exchange.names[secret] for secret, answer in exchange.answers.items() if secret[:16] in answer] == []


def test_an_answer_to_a_broken_message_has_the_security_headers_too(exchange: Exchange) -> None:
    answered = {exchange.names[secret]: heads(answer) for secret, answer in exchange.answers.items()}
    assert sum(head.status == 400 for found in answered.values() for head in found) > len(FORMS)

    for names, found in answered.items():
        for head in found:
            wanted = {name.lower(): value for name, value in _HEADERS[exchange.module].items()}
            assert {name: head.headers.get(name) for name in wanted} == wanted, names


def test_no_answer_names_the_software_or_its_version(exchange: Exchange) -> None:
    for secret, answer in exchange.answers.items():
        assert b"aiohttp" not in answer.lower(), exchange.names[secret]
        assert b"python/" not in answer.lower(), exchange.names[secret]


def test_a_program_answers_as_before_after_every_broken_message(exchange: Exchange) -> None:
    assert [head.status for head in heads(exchange.afterwards)] == [200]

"""The OpenAPI document: valid, and what is served is as it says, whatever is sent."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from itertools import count, cycle
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from psycopg import AsyncConnection
from requests import Session
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from control_api.openapi import document
from control_api.security.pace import Pace
from control_api.settings import ControlSettings
from tests.control_api.service import Service, serving
from tests.control_api.service import settings as served_settings
from tests.control_api.test_asking import queue

__all__ = ["queue"]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
KNOWN = {"source": "main", "job_type": "mail.send", "id": "main-1", "action": "run"}
Operation = APIOperation[Any, Any, Any, Any]
EXPECTED = {GenerationMode.POSITIVE: {200, 303, 400, 404}, GenerationMode.NEGATIVE: {400, 404}}
_EXAMPLES = 20
_numbers = count()
_turns = cycle(range(4))
_accepted = cycle(["application/json", "text/html", "*/*"])


@pytest.fixture
async def served(migrated: str, queue: AsyncConnection, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """Without the pace that would answer nearly everything with 429."""
    monkeypatch.setattr("control_api.security.Pace", lambda **_: Pace(per_minute=1e9, burst=1_000_000))
    async with serving({"main": migrated}) as service:
        yield service


async def test_what_is_served_is_the_document(served: Service) -> None:
    answer = await served.get("/control/openapi.json")

    assert answer.content_type == "application/json"
    assert await answer.json() == document(served_settings())


def test_it_is_valid_openapi_3_1() -> None:
    assert document(served_settings())["openapi"] == "3.1.0"

    schemathesis.openapi.from_dict(dict(document(served_settings()))).validate()


def test_a_document_that_is_not_valid_would_be_found() -> None:
    broken = {**document(served_settings()), "info": {"title": "no version"}}

    with pytest.raises(Exception, match="version"):
        schemathesis.openapi.from_dict(broken).validate()


def test_it_names_the_ways_to_sign_in_that_are_configured() -> None:
    behind_grafana = document(ControlSettings(auth=("grafana", "token"), grafana_cookie="session"))
    at_this_machine = document(ControlSettings(auth=("loopback", "token")))

    assert behind_grafana["security"] == [{"grafana": []}, {"token": []}]
    assert behind_grafana["components"]["securitySchemes"]["grafana"]["name"] == "session"
    assert at_this_machine["security"] == [{}, {"token": []}]
    assert at_this_machine["components"]["securitySchemes"].keys() == {"token"}


# The pool of connections, in another thread, draws the lengths of its pauses.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["as described", "otherwise"])
async def test_whatever_is_sent_nothing_fails_and_answers_are_as_described(
    served: Service, mode: GenerationMode
) -> None:
    described = await (await served.get("/control/openapi.json")).json()
    schema = schemathesis.openapi.from_dict(described)
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) == sum(len(item.keys() - {"parameters"}) for item in described["paths"].values())

    if mode is GenerationMode.NEGATIVE:  # of a text in an address everything is as described
        operations = [operation for operation in operations if operation.body]
    with Session() as session:
        found = [await asyncio.to_thread(probe, operation, mode, served.url, session) for operation in operations]

    assert [failure for _, failures in found for failure in failures] == []
    assert EXPECTED[mode] <= {status for statuses, _ in found for status in statuses}


def probe(operation: Operation, mode: GenerationMode, url: str, session: Session) -> tuple[set[int], list[str]]:
    """Send examples of one operation, and check the answers; tells their statuses, and what is wrong with them."""
    statuses: set[int] = set()
    failures: list[str] = []

    @settings(
        max_examples=_EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Case[Any]) -> None:
        # What is there is guessed too seldom, and in the end by chance.
        turn = next(_turns)
        if turn % 2:
            case.path_parameters = _known(case.path_parameters)
            case.query = _known(case.query)
            if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
                case.body = _known(case.body) | {"request_id": f"r{next(_numbers)}"}
                case.headers.pop("Idempotency-Key", None)
        elif mode is GenerationMode.NEGATIVE and turn:  # only what is asked for isn't there
            case.body, case.query = {"request_id": f"r{next(_numbers)}"}, {}
            case.headers.clear()
        headers = {"Accept": next(_accepted), "Sec-Fetch-Site": "same-origin"}
        answer = case.call(base_url=url, headers=headers, session=session, allow_redirects=False)
        statuses.add(answer.status_code)
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            failures.append(f"{group.exceptions} {case.as_curl_command()[:1000]}")

    send()
    return statuses, failures


def _known(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: KNOWN.get(name, value) for name, value in parameters.items()}

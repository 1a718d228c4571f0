"""The OpenAPI document: whole, true, and nothing that follows it brings the server to its knees."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.server.conftest import Served


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_it_is_version_3_1_and_every_operation_is_described(serve: Callable[..., Served]) -> None:
    with serve().client() as client:
        document = client.get("/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for name, operation in operations(document):
        assert operation["description"], name
        assert operation["tags"], name
        assert "4XX" in operation["responses"], name
    secured = [name for name, operation in operations(document) if operation.get("security") is not None]
    assert "GET /v1/claims" in secured


@pytest.mark.extras
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["admin", "ada", "uploader"])
def test_schemathesis_finds_no_fault_of_the_server_and_no_answer_beside_its_schema(month: Served, name: str) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    checks = pytest.importorskip("schemathesis.specs.openapi.checks")
    hypothesis = pytest.importorskip("hypothesis")
    schema = schemathesis.openapi.from_url(f"{month.url}/v1/openapi.json")
    wanted = [
        schemathesis.checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    client = month.client(name)
    headers = {"X-CSRF-Token": client.headers["X-CSRF-Token"], "Cookie": f"linernotes={client.cookies['linernotes']}"}
    settings = hypothesis.settings(max_examples=12, suppress_health_check=list(hypothesis.HealthCheck))
    faults = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in ("/v1/session", "/v1/jobs/{job_id}/events"):
            continue  # the one signs us out, the other streams

        def ask(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=wanted)

        try:
            settings(hypothesis.given(case=operation.as_strategy())(ask))()
        except Exception as error:  # noqa: BLE001  (every operation is tried, then all is told)
            faults.append(f"{operation.method} {operation.path}: {str(error)[:600]}")
    assert faults == []

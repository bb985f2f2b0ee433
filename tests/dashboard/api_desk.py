"""What tests of the API share: where it is, what a refusal must look like, and what the audit has of it."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

V1 = "/api/v1"


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Return what a refusal says, having seen that it is one as RFC 9457 has it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status and problem["code"] == code
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert status != 404 or problem["hint"], "whoever does not find something is told where to look"
    return problem


def audited(client: TestClient) -> list[str]:
    return [entry["action"] for entry in client.get(f"{V1}/audit").json()["items"]]

"""Tokens of programs: who holds one, one more, one less. A secret is told once, when it is made."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from horarium.dashboard.access.tokens import LONGEST_NAME, Token, Tokens
from horarium.dashboard.api.door import Call, Changed, GuardedRoute, Problem, changes, reads
from horarium.dashboard.api.shapes import Given, Paged, Reason, Told, moment
from horarium.dashboard.person import Role, role_of
from horarium.observe.moments import iso

router = APIRouter(tags=["tokens"], route_class=GuardedRoute)

MOST = 1000


class NewToken(Given):
    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    role: Literal["viewer", "operator", "editor", "admin"]
    days: Annotated[int, Field(ge=1, le=3650)] | None = None
    reason: Reason = ""


class TokenShape(BaseModel):
    id: str
    name: str
    role: str
    made: str
    by: str
    expires: str | None = None
    used: str | None = None


class NewTokenShape(TokenShape):
    secret: str = Field(description="Nobody will see it again.")


@reads(router, "/tokens", role=Role.ADMIN, response_model=Paged[TokenShape])
def list_tokens(call: Call) -> Any:
    """List the tokens, the newest first, without their secrets."""
    tokens = Tokens(call.app).all(now=call.now)
    return {
        "items": [_fields(token) for token in tokens[:MOST]],
        "approx_total": len(tokens[:MOST]),
        "total_is_capped": len(tokens) > MOST,
    }


@changes(
    router,
    "POST",
    "/tokens",
    role=Role.ADMIN,
    action="tokens.add",
    shape=NewTokenShape,
    is_secret=True,
    status_code=201,
)
def add_token(call: Call, body: NewToken) -> Changed:
    """Make a token; the answer holds its secret, this once."""
    lasts = None if body.days is None else body.days * 86_400.0
    role = role_of(body.role)
    try:
        secret, token = Tokens(call.app).add(body.name.strip(), role, by=call.person.name, now=call.now, lasts=lasts)
    except ValueError as error:
        raise Problem(422, "invalid_token", str(error)) from error
    return Changed(
        body=_fields(token) | {"secret": secret},
        text=f"made the token {token.name} ({token.role})",
        about=f"token {token.id}",
        reason=body.reason,
        after={"name": token.name, "role": token.role, "expires": token.expires},
    )


@changes(router, "DELETE", "/tokens/{id}", role=Role.ADMIN, action="tokens.remove", shape=Told)
def remove_token(call: Call, id: str) -> Changed:
    """Remove a token, at once and for all; the sessions that were opened with it end too."""
    token = Tokens(call.app).remove(id, now=call.now)
    if token is None:
        raise Problem(404, "not_found", "there is no such token", hint="somebody may have removed it already")
    text = f"removed the token {token.name}"
    before = {"name": token.name, "role": token.role, "expires": token.expires}
    return Changed(body=Told(text=text), text=text, about=f"token {token.id}", before=before)


def _fields(token: Token) -> dict[str, Any]:  # Any: the fields of TokenShape
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "made": iso(token.made),
        "by": token.by,
        "expires": moment(token.expires),
        "used": moment(token.used),
    }

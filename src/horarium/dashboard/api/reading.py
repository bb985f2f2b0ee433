"""The OpenAPI document as people read it: each route with what it takes and gives, in words."""

from __future__ import annotations

from typing import Any, NamedTuple

Schema = dict[str, Any]  # Any: OpenAPI
BOUNDS = {"minimum": "from", "maximum": "to", "maxLength": "at most", "maxItems": "at most"}


class Operation(NamedTuple):
    id: str
    method: str
    path: str
    role: str
    about: list[str]  # paragraphs, the first one a sentence
    facts: list[tuple[str, str]]


def operations(document: Schema, role: str) -> list[Operation]:
    """Return all routes by what they are about. ``role`` is the key of the least role."""
    found = [
        Operation(
            id=operation["operationId"],
            method=method.upper(),
            path=path,
            role=operation[role],
            about=[" ".join(text.split()).replace("``", "") for text in operation["description"].split("\n\n")],
            facts=_facts(operation),
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return sorted(found, key=lambda each: (each.path.split("/")[1], each.path))


def kind_of(schema: Schema) -> str:
    """Return what a value may be, in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(kind_of(each) for each in schema["anyOf"] if each != {"type": "null"})
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    word = str(schema.get("format") or schema.get("type") or "anything")
    if "items" in schema:
        word = f"several: {kind_of(schema['items'])}"
    bounds = " ".join(f"{words} {schema[name]}" for name, words in BOUNDS.items() if name in schema)
    return f"{word} {bounds}".strip()


def _facts(operation: Schema) -> list[tuple[str, str]]:
    facts = []
    for each in operation.get("parameters", ()):
        needed = ", needed" if each.get("required") else ""
        text = kind_of(each["schema"]) + needed
        about = each.get("description")
        facts.append((f"{each['name']} ({each['in']})", f"{text}. {about}" if about else text))
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        facts.append(("body", f"{media}: {kind_of(body['schema'])}"))
    for status, answer in operation["responses"].items():
        kinds = [kind_of(body["schema"]) for body in answer.get("content", {}).values() if body.get("schema")]
        label = "otherwise" if status == "default" else status
        facts.append((label, ", ".join(kinds) or answer["description"]))
    return facts

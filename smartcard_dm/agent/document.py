"""The OpenAPI 3.1 document of the agent's API, made from its routes.

Guarantees: every status that an operation can answer with is in it, with the schema and an example of each problem.
Leaves to its caller: writing it down.

Spec: OpenAPI 3.1.0; RFC 9457.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi

from smartcard_dm.agent.gate import PROBLEM_JSON
from smartcard_dm.agent.models import AUTHENTICATE, SECRET, EventForm, ProblemForm
from smartcard_dm.agent.problems import ProblemCode

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pydantic import BaseModel, TypeAdapter

Part = dict[str, Any]

_REFERENCES: Final = "#/components/schemas/{model}"
_JSON_BODIES: Final[dict[str, TypeAdapter[Any]]] = {"authenticate": AUTHENTICATE, "secret": SECRET}
_DESCRIPTION: Final = """Trust that ends with the card: every answer says which card it rests on (`provenance`), and an
answer about a card that has left is a problem, 409 or 410, never old data.

The API is served on a Unix domain socket. The kernel tells the agent whose process connects; who is not on its list
gets no answer at all. Problems are `application/problem+json` with a stable `code` and a `remedy`."""
_REQUEST_ID_HEADER: Final[Part] = {
    "X-Request-Id": {
        "description": "Names this request in the agent's log.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    }
}
_SERVER_SENT_EVENT: Final[Part] = {
    "type": "object",
    "title": "ServerSentEvent",
    "description": "One event of the stream, by its fields.",
    "properties": {
        "id": {"type": "string", "description": "EPOCH-N; goes into Last-Event-ID."},
        "event": {"type": "string", "description": "The kind, as in data."},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/Event"},
        },
    },
    "required": ["id", "event", "data"],
    "additionalProperties": False,
}
_PROVENANCE: Final[Part] = {
    "origin": "pcsc:",
    "card_id": None,
    "generation": 1767225601,
    "state": "absent",
    "not_after": None,
    "cache": "no-store",
    "event_id": "6f1c2d3e4a5b6c7d-42",
}


def answers(model: type[BaseModel], description: str) -> Part:
    """Return the entry of a JSON answer of a model."""
    return {"model": model, "description": description}


def problems(*codes: ProblemCode) -> dict[int | str, Part]:
    """Return the entries of all problems an operation can answer with, by status."""
    by_status: dict[int, list[ProblemCode]] = {}
    for code in dict.fromkeys((*codes, ProblemCode.METHOD_NOT_ALLOWED)):
        by_status.setdefault(int(code.status), []).append(code)
    return {status: _problem_entry(found) for status, found in sorted(by_status.items())}


def body_of(media_type: str, maximum: int) -> Part:
    """Return the entry of a request's body; that of a JSON body gets its schema when the document is finished.

    Args:
        media_type: the only one that is taken.
        maximum: octets.
    """
    schema: Part = {"type": "string", "format": "binary", "contentMediaType": media_type, "maxLength": maximum}
    return {
        "requestBody": {
            "required": True,
            "description": f"At most {maximum} octets.",
            "content": {media_type: {"schema": schema}},
        }
    }


def finish_document(app: FastAPI) -> Part:
    """Return the document, whole."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=_DESCRIPTION, routes=app.routes
    )
    schemas: Part = document.setdefault("components", {}).setdefault("schemas", {})
    _add_model(schemas, ProblemForm, "Problem")
    _add_model(schemas, EventForm, "Event")
    schemas["ServerSentEvent"] = _SERVER_SENT_EVENT
    document["components"]["examples"] = {
        code.code: {"summary": code.title, "value": _example(code)} for code in ProblemCode
    }
    document["servers"] = [{"url": "http://localhost", "description": "The host name is not looked at."}]
    for item in document["paths"].values():
        for operation in item.values():
            _finish_operation(operation, schemas)
    app.openapi_schema = document
    return document


def _finish_operation(operation: Part, schemas: Part) -> None:
    for each in operation["responses"].values():
        each.setdefault("headers", {}).update(_REQUEST_ID_HEADER)
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _without_null(parameter["schema"])
    adapter = _JSON_BODIES.get(operation["operationId"])
    if adapter is not None:
        made = adapter.json_schema(ref_template=_REFERENCES)
        schemas.update(made.pop("$defs", {}))
        name = f"{operation['operationId'].capitalize()}Request"
        schemas[name] = {**made, "title": name}
        (content,) = operation["requestBody"]["content"].values()
        content["schema"] = {"$ref": _REFERENCES.format(model=name)}


def _without_null(schema: Part) -> Part:
    """Return the schema of a parameter that may be left out: in a URL or a header there is no null."""
    choices = [each for each in schema.pop("anyOf", ()) if each != {"type": "null"}]
    for said_beside_it in ("description", "title"):
        schema.pop(said_beside_it, None)
    return {**schema, **choices[0]} if choices else schema


def _add_model(schemas: Part, model: type[BaseModel], name: str) -> None:
    made = model.model_json_schema(ref_template=_REFERENCES)
    schemas.update(made.pop("$defs", {}))
    schemas[name] = {**made, "title": name}


def _problem_entry(codes: list[ProblemCode]) -> Part:
    return {
        "description": "; ".join(f"`{code.code}`: {code.title}" for code in codes),
        "content": {
            PROBLEM_JSON: {
                "schema": {"$ref": _REFERENCES.format(model="Problem")},
                "examples": {code.code: {"$ref": f"#/components/examples/{code.code}"} for code in codes},
            }
        },
    }


def _example(code: ProblemCode) -> Part:
    return {
        "type": code.type,
        "title": code.title,
        "status": int(code.status),
        "detail": code.title,
        "remedy": code.remedy,
        "code": code.code,
        "request_id": "5a3c9d0e1f2b4c6d",
        "provenance": _PROVENANCE,
        "committed": False,
    }

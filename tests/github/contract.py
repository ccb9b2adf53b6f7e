"""GitHub's own description of its REST API, as a judge of requests and of answers.

`openapi_subset.json` holds the shapes of the operations we call, taken from the official
description (MIT licence) without its prose. These were added by hand, with the parameters and the
answers that GitHub's documentation names, since the extract lacked them:

- `GET git/commits/{commit_sha}`, `GET commits/{ref}/statuses`;
- `GET issues/comments/{comment_id}`, `POST issues/comments/{comment_id}/reactions`, with the schema
  `reaction`;
- `GET actions/runs/{run_id}/jobs`, `GET actions/jobs/{job_id}`, its `logs`, and the schema `job`;
- `GET actions/runs/{run_id}/attempts/{attempt_number}/jobs`; `GET activity`, with its schema;
- `GET deployments/{deployment_id}/statuses`;
- `GET releases/tags/{tag}`, `GET` and `POST releases/{release_id}/assets`,
  `DELETE releases/assets/{asset_id}`.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_NAME = "urn:github"


def problems_of_request(
    method: str, template: str, query: Mapping[str, str], body: Any
) -> list[str]:
    """Return what is wrong with a request, by the description; nothing is wrong when it is empty.

    `template` is the path of the operation as the description writes it.
    """
    operation = _operation(method, template)
    found = []
    known = {p["name"]: p for p in map(_resolved, operation.get("parameters", ()))}
    for name, value in query.items():
        if name not in known or known[name]["in"] != "query":
            found.append(f"unknown query parameter {name}")
            continue
        schema = known[name]["schema"]
        found += _faults(schema, int(value) if schema.get("type") == "integer" else value)
    missing = {name for name, p in known.items() if p["in"] == "query" and p.get("required")}
    found += [f"no query parameter {name}" for name in sorted(missing - query.keys())]
    if "requestBody" in operation:
        found += _faults_of_body(operation["requestBody"]["content"], body)
    elif body is not None:
        found.append("a body where none is described")
    return found


def problems_of_answer(method: str, template: str, status: int, body: Any) -> list[str]:
    """Return what is wrong with an answer, by the description."""
    declared = _operation(method, template)["responses"].get(str(status))
    if declared is None or (status >= 400 and "content" not in _resolved(declared)):
        # For many operations it leaves 401, 403 and 404 out, or says nothing of their bodies.
        schema = {"$ref": "#/components/schemas/basic-error"}
        return [f"status {status} is not described"] if status < 400 else _faults(schema, body)
    content = _resolved(declared).get("content")
    if content is None:
        return [] if body is None else ["a body where none is described"]
    return _faults(content["application/json"]["schema"], body)


def example_of(method: str, template: str, status: int) -> Any:
    """Return the least object the description allows as this answer; lists come as one item."""
    declared = _resolved(_operation(method, template)["responses"][str(status)])
    schema = _resolved(declared["content"]["application/json"]["schema"])
    return _example(schema["items"] if schema.get("type") == "array" else schema)


def example_of_schema(name: str) -> Any:
    """Return the least object of a schema of the description."""
    return _example({"$ref": f"#/components/schemas/{name}"})


def overlaid(example: Any, facts: Any) -> Any:
    """Return the example with what is really so put over it."""
    if not isinstance(example, dict) or not isinstance(facts, dict):
        return facts
    merged = {name: overlaid(example.get(name), fact) for name, fact in facts.items()}
    return {**example, **merged}


def templates() -> list[tuple[str, str]]:
    """Return method and path of all operations described."""
    return [(m.upper(), path) for path, methods in _description()["paths"].items() for m in methods]


def successes(method: str, template: str) -> list[int]:
    """Return the statuses by which an operation says that it was carried out."""
    return [int(code) for code in _operation(method, template)["responses"] if code < "300"]


def _operation(method: str, template: str) -> Any:
    return _description()["paths"][template][method.lower()]


@functools.cache
def _description() -> Any:
    text = (Path(__file__).parent / "openapi_subset.json").read_text()
    return _as_json_schema(json.loads(text))


@functools.cache
def _validator(schema: str) -> Draft202012Validator:
    registry = Registry().with_resource(
        _NAME, Resource(contents=_description(), specification=DRAFT202012)
    )
    whole = re.sub(r'"\$ref": "#', f'"$ref": "{_NAME}#', schema)
    return Draft202012Validator(json.loads(whole), registry=registry)


def _faults_of_body(content: Any, body: Any) -> list[str]:
    if "application/json" in content:
        return _faults(content["application/json"]["schema"], body)
    return [] if isinstance(body, bytes) and body else ["no bytes where a file is described"]


def _faults(schema: Any, value: Any) -> list[str]:
    errors = _validator(json.dumps(schema)).iter_errors(value)
    return [f"{error.json_path}: {error.message[:200]}" for error in errors]


def _resolved(value: Any) -> Any:
    while "$ref" in value:
        target = _description()
        for step in value["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        value = target
    return value


def _as_json_schema(value: Any) -> Any:
    """Turn OpenAPI 3.0's `nullable` into JSON Schema's null type; all else is the same here."""
    if isinstance(value, list):
        return [_as_json_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {name: _as_json_schema(item) for name, item in value.items()}
    if made.get("nullable") is True:
        del made["nullable"]
        return {"anyOf": [{"type": "null"}, made]}
    return made


def _example(schema: Any) -> Any:
    schema = _resolved(schema)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return _example(schema[choice][0])
    if "allOf" in schema:
        return {k: v for part in schema["allOf"] for k, v in _example(part).items()}
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "string":
            text = "2024-01-01T00:00:00Z" if schema.get("format") == "date-time" else "-"
            return text.ljust(schema.get("minLength", 0), "-")
        case "integer" | "number":
            return 0
        case "boolean":
            return False
        case "array":
            return []
        case "null":
            return None
    properties = schema.get("properties", {})
    return {name: _example(properties[name]) for name in schema.get("required", ())}

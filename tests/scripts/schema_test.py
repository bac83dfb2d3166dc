#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The published JSON Schemas and the decoder agree about every file of tests/corpus; CorpusTest in tests/unit/app asks the decoder.

Prints "ok CHECK" or "FAIL CHECK" a line, and fails when one did.
"""
import json
import pathlib
import sys

import jsonschema

TOP = pathlib.Path(__file__).resolve().parents[2]
CORPUS = TOP / "tests/corpus"
GOLDEN = TOP / "tests/golden"
VALIDATOR = jsonschema.Draft202012Validator
SCHEMAS = {
    kind: json.loads((TOP / "share/cowshed" / name).read_text())
    for kind, name in {"config": "cowshed.schema.json", "vm": "vm.schema.json"}.items()
}


def table(name):
    """FILE -> the rest of its line."""
    lines = (CORPUS / name).read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(" ") for line in lines if not line.startswith("#"))
    return {file: rest.strip() if name == "beyond-schema" else rest for file, _, rest in pairs}


def no_constant(name):
    raise ValueError(f"{name} is no JSON")


def complaints(kind, file):
    """JSON pointers of what the schema refuses; [""] for what is no JSON at all."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"), parse_constant=no_constant)
    except ValueError:
        return [""]
    escaped = lambda part: str(part).replace("~", "~0").replace("/", "~1").replace("\n", "\\n")
    errors = VALIDATOR(SCHEMAS[kind]).iter_errors(document)
    return ["".join("/" + escaped(part) for part in error.absolute_path) for error in errors]


def check_good(kind, file):
    found = complaints(kind, file)
    return f"refused at {found}" if found else None


def check_bad(kind, file, pointer, is_beyond):
    found = complaints(kind, file)
    if is_beyond:
        return f"the schema does refuse it (at {found}): take it out of beyond-schema" if found else None
    if not found:
        return "accepted"
    # A schema names the object, where the decoder names the key that is missing or too many, and the other way round.
    if any(pointer.startswith(place) or place.startswith(pointer) for place in found):
        return None
    return f"refused at {found}, not at {pointer}"


def checks():
    for kind, schema in SCHEMAS.items():
        VALIDATOR.check_schema(schema)
        yield f"{kind}: the schema is one", None
    pointers, beyond = table("pointers"), table("beyond-schema")
    for kind in SCHEMAS:
        for file in sorted((CORPUS / kind / "good").iterdir()):
            yield file.relative_to(CORPUS), check_good(kind, file)
        for file in sorted((CORPUS / kind / "bad").iterdir()):
            name = str(file.relative_to(CORPUS))
            problem = check_bad(kind, file, pointers[name], name in beyond) if name in pointers else "has no line in pointers"
            yield name, problem
        for file in sorted(GOLDEN.glob(f"v1/{kind}-*.json")):
            yield file.relative_to(TOP), check_good(kind, file)
    for name, reason in beyond.items():
        yield f"beyond-schema: {name}", None if (CORPUS / name).is_file() and reason else "no such file, or no reason"
    for name in pointers.keys():
        if not (CORPUS / name).is_file():
            yield f"pointers: {name}", "no such file"


def main():
    failed = False
    for name, problem in checks():
        print(f"FAIL {name}: {problem}" if problem else f"ok {name}")
        failed = failed or problem is not None
    return failed


sys.exit(main())

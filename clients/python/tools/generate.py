"""Makes a module of the client, of an OpenAPI document: its types, and a method for each operation.

    python3 generate.py docs/api/command-api.openapi.json CommandApi > command_api.py

What a schema says is put into types by `schemas.py`; here is what an operation is called, takes and
answers. Streams, which end only when somebody hangs up, are left out.
"""

from __future__ import annotations

import json
import keyword
import sys
from collections.abc import Iterable
from pathlib import Path

from schemas import COLUMNS, Json, Types, camel, docstring

IMPORTS = '''
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict, Unpack, final

from ..client import Answer, Client, CommandOptions, Operations, PlainOptions, ReadOptions, place
'''
UNCOUNTED = {"keys", "sales", "staff", "stock"}
"""Kinds of things whose name is that of many."""
JSON = "application/json"
LINES = "application/x-ndjson"


def main(document: Path, name: str) -> None:
    api = json.loads(document.read_text())
    types = Types(api["components"]["schemas"])
    groups: dict[str, list[str]] = {}
    for path, methods in api["paths"].items():
        for verb, operation in methods.items():
            method = Method(api, types, verb.upper(), path, operation)
            if method.ends:
                group, _, called = operation["operationId"].rpartition(".")
                groups.setdefault(group, []).append(method.write(called))
    own = groups.pop("", [])
    classes = [of_group(group, methods) for group, methods in groups.items()]
    about = f"Types and operations, made of {document.name} by tools/generate.py."
    print(f'"""{about}"""\n{IMPORTS}')
    print("\n\n".join([*types.written(), *classes, of_api(name, api, list(groups), own)]), end="")


class Method:
    """An operation, as it is written."""

    def __init__(self, api: Json, types: Types, verb: str, path: str, operation: Json) -> None:
        self.verb, self.path, self.operation, self.types = verb, path, operation, types
        self.owner = camel(operation["operationId"])
        known = api["components"]["parameters"]
        asked = operation.get("parameters", [])
        self.parameters = [known[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in asked]
        answers = operation["responses"].items()
        self.contents: list[Json] = [
            answer.get("content", {}) for status, answer in answers if status.startswith("2")
        ]
        ends = (not content or JSON in content or LINES in content for content in self.contents)
        self.ends = bool(self.contents) and all(ends)
        """Whether an answer to it is whole one day, and no stream."""

    def answer(self) -> str:
        """What is answered where all is well."""
        return self.types.union(self.type_in(content) for content in self.contents)

    def type_in(self, content: Json) -> str:
        if JSON in content:
            return self.types.of(content[JSON]["schema"], self.owner + "Answer")
        if LINES in content:
            line = self.types.of(content[LINES]["schema"]["contentSchema"], self.owner + "Line")
            return f"Sequence[{line}]"
        return "None"

    def said(self, place: str) -> list[Json]:
        return [parameter for parameter in self.parameters if parameter["in"] == place]

    def write(self, called: str) -> str:
        """The method of this name."""
        takes = [f"{spelled(p['name'])}: {self.type_of(p)}" for p in self.said("path")]
        named, gives = [], []
        if query := self.said("query"):
            named += [self.in_query(parameter) for parameter in query]
            pairs = (f'"{p["name"]}": {spelled(p["name"])}' for p in query)
            gives.append(broken("query={", pairs, "}", 12))
        if body := self.operation.get("requestBody"):
            named.append(self.body(body))
            gives.append("lines=lines" if LINES in body["content"] else "body=body")
        keyed = any(p["name"] == "Idempotency-Key" for p in self.said("header"))
        if keyed:
            gives.append("keyed=True")
        takes += ["*", *named] if named else []
        takes.append(f"**options: Unpack[{self.options(keyed)}]")
        path = self.path.replace("{", "{place(").replace("}", ")}")
        literal = f'f"{path}"' if "{" in path else f'"{path}"'
        gives = [f'"{self.verb}"', literal, *gives, "**options"]
        end = f") -> Answer[{self.answer()}]:"
        head = broken(f"def {spelled(called)}(", ["self", *takes], end, 4)
        call = broken("return self._client.ask(", gives, ")", 8)
        return f"    {head}\n{self.about(keyed)}\n        {call}\n"

    def options(self, keyed: bool) -> str:
        if keyed:
            return "CommandOptions"
        waits = any(p["name"] == "min_position" for p in self.said("query"))
        return "ReadOptions" if waits else "PlainOptions"

    def type_of(self, parameter: Json) -> str:
        name = self.owner + camel(parameter["name"])
        return self.types.of(parameter["schema"], name)

    def in_query(self, parameter: Json) -> str:
        schema = parameter["schema"]
        several = schema.get("type") == "array"
        if several:
            one = self.types.of(schema["items"], self.owner + camel(parameter["name"]))
        kind = f"{one} | Sequence[{one}]" if several else self.type_of(parameter)
        end = "" if parameter["required"] else " | None = None"
        return f"{spelled(parameter['name'])}: {kind}{end}"

    def body(self, body: Json) -> str:
        if LINES in body["content"]:
            line = body["content"][LINES]["schema"]["contentSchema"]
            return f"lines: Iterable[{self.types.of(line, self.owner + 'Line')}]"
        kind = self.types.of(body["content"][JSON]["schema"], self.owner + "Body")
        return f"body: {kind}" + ("" if body.get("required") else " | None = None")

    def about(self, keyed: bool) -> str:
        key = ", under a key" if keyed else ""
        told = [self.operation["description"], f"`{self.verb} {self.path}`{key}"]
        query = (p for p in self.said("query") if "description" in p)
        items = [f"`{spelled(p['name'])}`: {p['description']}" for p in query]
        return docstring(told, 8, items)


def of_group(group: str, methods: list[str]) -> str:
    about = docstring([f"What is asked of {plural(group).replace('_', ' ')}."], 4)
    return f"class {camel(group)}Operations(Operations):\n{about}\n\n" + "\n".join(methods)


def of_api(name: str, api: Json, groups: list[str], own: list[str]) -> str:
    lines = [f"class {name}(Operations):", docstring([api["info"]["title"] + "."], 4), ""]
    lines += ["    def __init__(self, client: Client) -> None:", "        super().__init__(client)"]
    lines += [f"        self.{plural(g)} = {camel(g)}Operations(client)" for g in sorted(groups)]
    return "\n".join([*lines, *(f"\n{method}".rstrip() for method in own)]) + "\n"


def plural(group: str) -> str:
    if group in UNCOUNTED:
        return group
    if group == "person":
        return "people"
    return group + ("es" if group.endswith(("s", "ch")) else "s")


def spelled(name: str) -> str:
    """A name as Python takes it."""
    return f"{name}_" if keyword.iskeyword(name) else name


def broken(before: str, parts: Iterable[str], after: str, indent: int) -> str:
    """On one line if it fits, else each part on its own."""
    each = list(parts)
    line = before + ", ".join(each) + after
    if indent + len(line) <= COLUMNS and "\n" not in line:
        return line
    inner = "".join(f"{' ' * (indent + 4)}{part},\n" for part in each)
    return f"{before}\n{inner}{' ' * indent}{after}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

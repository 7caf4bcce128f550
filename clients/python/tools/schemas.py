"""JSON Schemas as types of Python: objects as TypedDicts, all else under its name."""

from __future__ import annotations

import json
import keyword
import textwrap
from collections.abc import Iterable
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

COLUMNS = 100
SHORT = 60
"""Letters of a choice that is written where it is made."""
PLAIN = {
    "boolean": "bool",
    "integer": "int",
    "null": "None",
    "number": "float",
    "string": "str",
}


class Types:
    """The types of a document's schemas, and of what stands without a name in them."""

    def __init__(self, schemas: Json) -> None:
        self._written: dict[str, str] = {}
        self._bases: set[str] = set()
        for name, schema in schemas.items():
            self._define(name, schema)

    def written(self) -> list[str]:
        """Each with its name, as they came: what one is made of stands above it."""
        return [
            f"@final\n{text}" if text.startswith("class ") and name not in self._bases else text
            for name, text in self._written.items()
        ]

    def of(self, schema: Json | bool, name: str) -> str:
        """The type of a schema; `name` is for one that needs a definition."""
        if isinstance(schema, bool):
            return "Any"
        if "$ref" in schema:
            return str(schema["$ref"]).rpartition("/")[2]
        if "const" in schema:
            return f"Literal[{json.dumps(schema['const'])}]"
        if "enum" in schema:
            return self._short(schema, name, [{"const": word} for word in schema["enum"]])
        if "allOf" in schema:
            return self._extended(schema["allOf"], name)
        if "properties" in schema:
            self._define(name, schema)
            return name
        choice = schema.get("anyOf") or schema.get("oneOf")
        if choice:
            return self._short(schema, name, choice)
        kind = schema.get("type")
        if isinstance(kind, list):
            return self.union(self.of(schema | {"type": one}, name) for one in kind)
        if kind == "array":
            return f"list[{self.of(schema['items'], name)}]"
        if kind == "object":
            return f"dict[str, {self._values(schema, name)}]"
        return PLAIN[kind] if kind else "Any"

    def union(self, types: Iterable[str]) -> str:
        """One of several, each of them once."""
        several = list(dict.fromkeys(types))
        words = [one[len("Literal[") : -1] for one in several if one.startswith("Literal[")]
        rest = [one for one in several if not one.startswith("Literal[")]
        return " | ".join([*([f"Literal[{', '.join(words)}]"] if words else []), *rest])

    def _short(self, schema: Json, name: str, choice: list[Json]) -> str:
        """One of these, under a name of its own where they are many."""
        kind = self.union(self.of(one, name + tag(one)) for one in choice)
        if len(kind) <= SHORT or name in self._written:
            return kind
        self._written[name] = alias(name, schema.get("description", ""), kind)
        return name

    def _extended(self, parts: list[Json], name: str) -> str:
        """A record, or each of several, with members beside its own."""
        above, *beside = parts
        bases = [self.of(one, name) for one in above.get("anyOf", [above])]
        self._bases.update(bases)
        made = {name if len(bases) == 1 else name + base: base for base in bases}
        for own, base in made.items():
            self._written[own] = self._record(own, "", base, beside)
        return self.union(made)

    def _values(self, schema: Json, name: str) -> str:
        """What stands under the names of a map."""
        values = [*schema.get("patternProperties", {}).values()]
        if isinstance(schema.get("additionalProperties"), dict):
            values.append(schema["additionalProperties"])
        return self.union(self.of(value, name) for value in values) or "Any"

    def _define(self, name: str, schema: Json) -> None:
        if name in self._written:
            raise ValueError(f"two types are called {name}")
        self._written[name] = ""
        self._written[name] = self._definition(name, schema)

    def _definition(self, name: str, schema: Json) -> str:
        about = schema.get("description", "")
        fixed = schema.get("additionalProperties") is False and "patternProperties" not in schema
        if "properties" in schema or (schema.get("type") == "object" and fixed):
            return self._record(name, about, "TypedDict", [schema, *schema.get("oneOf", [])])
        return alias(name, about, self.of(schema, name))

    def _record(self, name: str, about: str, above: str, parts: list[Json]) -> str:
        """A TypedDict; of what is one of several shapes, a member of any of them may be there."""
        members: dict[str, str] = {}
        told: dict[str, str] = {}
        for part in parts:
            for member, schema in part.get("properties", {}).items():
                kind = self.of(schema, name + camel(member))
                must = part is parts[0] and member in part.get("required", [])
                members[member] = kind if must else f"NotRequired[{kind}]"
                told[member] = "" if isinstance(schema, bool) else schema.get("description", "")
        if any(keyword.iskeyword(member) for member in members):
            pairs = "".join(
                f'{comment(told[member], 8)}        "{member}": "{kind}",\n'
                for member, kind in members.items()
            )
            made = f'{name} = TypedDict(\n    "{name}",\n    {{\n{pairs}    }},\n)\n'
            return comment(about, 0) + made
        lines = "".join(
            f"{comment(told[member], 4)}    {member}: {kind}\n" for member, kind in members.items()
        )
        stated = docstring([about], 4) + "\n" if about else ""
        body = "\n".join(part for part in (stated, lines) if part)
        return f"class {name}({above}):\n" + (body or "    pass\n")


def alias(name: str, about: str, kind: str) -> str:
    """Another name for a type, in quotes where it is of what may stand below."""
    refers = kind not in PLAIN.values() and "Literal[" not in kind
    stated = f'"{kind}"' if refers else folded(kind)
    return f"{comment(about, 0)}{name}: TypeAlias = {stated}\n"


def tag(schema: Json) -> str:
    """What tells one of several shapes from the others: a word that it alone has."""
    members = schema.get("properties", {}).values()
    return "".join(camel(m["const"]) for m in members if isinstance(m, dict) and "const" in m)


def folded(kind: str) -> str:
    """A long list of words over several lines."""
    if len(kind) <= SHORT:
        return kind
    words = kind.removeprefix("Literal[").removesuffix("]")
    return "Literal[\n" + "\n".join(wrapped(words, "    ")) + ",\n]"


def camel(name: str) -> str:
    """A name as that of a class."""
    return "".join(part[:1].upper() + part[1:] for part in name.replace(".", "_").split("_"))


def comment(text: str, indent: int) -> str:
    """Lines that begin with a hash; none where there is nothing to say."""
    return "".join(f"{line}\n" for line in wrapped(text, " " * indent + "# "))


def docstring(paragraphs: list[str], indent: int, items: Iterable[str] = ()) -> str:
    """What a class or a method says of itself, and a list below it."""
    before = " " * indent
    told = ["\n".join(wrapped(paragraph, before)) for paragraph in paragraphs]
    listed = [line for item in items for line in wrapped(item, before + "- ", before + "  ")]
    said = "\n\n".join([*told, *(["\n".join(listed)] if listed else [])])
    said = said.strip().replace("\\", "\\\\")
    end = f"\n{before}" if "\n" in said else ""
    return f'{before}"""{said}{end}"""'


def wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    """Lines that are not too wide, also where quotes come around them."""
    return textwrap.wrap(
        text,
        COLUMNS - 6,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )

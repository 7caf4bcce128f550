"""Tells what Terraform's AWS provider takes, as JSON: which arguments each kind of resource has, of
which type, required or not, and what it tells. The provider itself is not asked: a package of npm is
read that was generated from its schema (@cdktf/provider-aws, which says of which version).

    schema.py PACKAGE KIND…        each kind as aws_vpc, or data.aws_region for a data source
"""

import json
import pathlib
import re
import sys

WORD = r"// (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\n"
OTHER = re.compile(WORD + r"\s*this\._\w+ = new ([\w.]+)\(this, \"\w+\"(?:, (true|false))?\)")
PLAIN = re.compile(r"^    get (\w+)\(\) \{\n\s*return (.*\.get\w+Attribute\('(\w+)'\).*);", re.M)
ANY = re.compile(r"^    get (\w+)\(\) \{\n\s*return (.*this\.interpolationForAttribute\('(\w+)'\).*);", re.M)
# What may be given, in the declarations beside it, and whether it may be left out.
GIVEN = re.compile(r"^    readonly (\w+)(\??):", re.M)
# How the generated class hands on whether something is a block.
BLOCK = re.compile(r"^\s+(\w+): \{\n\s+value: .*\n\s+isBlock: (true|false),\n\s+type: \"(\w+)\"", re.M)
SIMPLE = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getStringMapAttribute": ["map", "string"],
    "getNumberMapAttribute": ["map", "number"],
    "getBooleanMapAttribute": ["map", "bool"],
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
}
LISTS = {"cdktf.StringMapList": ["list", ["map", "string"]]}
# What the package tells nothing of.
UNKNOWN = "dynamic"


class Source:
    """A resource's file in the package, cut into its classes."""

    def __init__(self, text, declarations):
        parts = re.split(r"^class (\w+) extends [\w.]+ \{$", text, flags=re.M)
        self.classes = dict(zip(parts[1::2], parts[2::2]))
        functions = re.split(r"^function (\w+)ToHclTerraform\(struct\) \{$", text, flags=re.M)
        # Up to the next function or class.
        ends = (body.split("\n}\n", 1)[0] for body in functions[2::2])
        self.given = {
            name: {word: optional == "?" for word, optional in GIVEN.findall(body)}
            for name, body in re.findall(r"^export interface (\w+) .*?\{\n(.*?)^\}", declarations, re.M | re.S)
        }
        self.structs = {name.lower(): body for name, body in zip(functions[1::2], ends)}

    def block(self, name, struct=None):
        """What stands in a class: attributes and blocks."""
        body = self.classes[name]
        told = body if struct is None else self.structs.get(struct.lower(), "")
        blocks = {word: nesting for word, is_block, nesting in BLOCK.findall(told) if is_block == "true"}
        found = {"attributes": {}, "block_types": {}}
        given = self.given.get(struct or name + "Config", {})
        for word, value, stored in PLAIN.findall(body) + ANY.findall(body):
            optional = given.get(word)
            # Whether the provider tells what was left out is not said. Taken for no, so that tests
            # make nothing up there; of the id it is known.
            found["attributes"][stored] = {
                "computed": optional is None or stored == "id" and optional,
                "optional": optional is True,
                "required": optional is False,
                "type": plain(value),
            }
        for word, computed, optional, required, kind, is_set in OTHER.findall(body):
            # The last class of a list's is that of one of it.
            base = re.sub(r"(OutputReference|List|Map)$", "", kind)
            inner = self.classes.get(base + "OutputReference")
            if kind in LISTS or inner is None:
                given = {"type": LISTS.get(kind, UNKNOWN)}
                found["attributes"][word] = flags(computed, optional, required) | given
                continue
            nested = self.block(base + "OutputReference", base)
            if word in blocks and computed == "false":
                nesting = {"struct": "single"}.get(blocks[word], blocks[word])
                if UNKNOWN in json.dumps(nested):
                    # Terraform has no sets of what it does not know.
                    nesting = "list"
                one = kind.endswith("OutputReference") and nesting in ("list", "set")
                found["block_types"][word] = {
                    "nesting": nesting,
                    "min_items": int(required == "true" and nesting != "single"),
                    "max_items": int(one),
                    "block": nested,
                }
            else:
                nesting = "set" if is_set == "true" else "list"
                if kind.endswith("Map"):
                    nesting = "map"
                wanted = [nesting, as_object(nested)]
                found["attributes"][word] = flags(computed, optional, required) | {"type": wanted}
        return found


def flags(computed, optional, required):
    return {"computed": computed == "true", "optional": optional == "true", "required": required == "true"}


def plain(value):
    method = re.search(r"this\.(get\w+)\(", value)
    wanted = SIMPLE.get(method.group(1), UNKNOWN) if method else UNKNOWN
    is_set = "Fn.tolist" in value and isinstance(wanted, list)
    return ["set", wanted[1]] if is_set else wanted


def as_object(block):
    types = {word: value["type"] for word, value in block["attributes"].items()}
    for word, value in block["block_types"].items():
        nesting = value["nesting"] if value["nesting"] != "single" else "list"
        types[word] = [nesting, as_object(value["block"])]
    return ["object", types]


def read(package, kind):
    """The schema of a kind, or nothing where there is none of that name."""
    is_data = kind.startswith("data.")
    name = kind.removeprefix("data.").removeprefix("aws_").replace("_", "-")
    for folder in (name, name.replace("-", "")) if not is_data else ("data-aws-" + name,):
        path = pathlib.Path(package, "lib", folder, "index.js")
        if path.is_file():
            break
    else:
        return None
    source = Source(path.read_text(), path.with_suffix(".d.ts").read_text())
    for own, body in source.classes.items():
        if "synthesizeHclAttributes()" in body:
            return source.block(own)
    return None


def main():
    package, *kinds = sys.argv[1:]
    told = json.loads(pathlib.Path(package, "package.json").read_text())
    found = {kind: read(package, kind) for kind in sorted(kinds)}
    missing = [kind for kind, schema in found.items() if schema is None]
    if missing:
        sys.exit(f"the provider knows no {', '.join(missing)}")
    json.dump({"version": told["cdktf"]["provider"]["version"], "kinds": found}, sys.stdout)


if __name__ == "__main__":
    main()

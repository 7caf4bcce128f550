"""Says which events of standard input are not as the schema says that the first argument names."""

import json
import sys

import jsonschema_rs

with open(sys.argv[1]) as file:
    schema = json.load(file)
# Each by its own schema, or the reason would be that it is none of eighty.
names = {}
for name, one in schema["$defs"].items():
    kind = one.get("properties", {}).get("type", {}).get("const")
    if kind:
        own = {"$schema": schema["$schema"], "$ref": f"#/$defs/{name}", "$defs": schema["$defs"]}
        names[kind] = jsonschema_rs.validator_for(own, validate_formats=True)

seen, wrong = set(), 0
for line in sys.stdin:
    event = json.loads(line)
    seen.add(event["type"])
    for error in names[event["type"]].iter_errors(event):
        print(event["type"], event["position"], error.message, list(error.instance_path))
        wrong += 1
print(len(seen), "types of event")
sys.exit(1 if wrong or not seen else 0)

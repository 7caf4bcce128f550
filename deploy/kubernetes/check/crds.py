"""Judges the documents of rendered overlays that are of operators' kinds, by the schemas of these,
strictly. A kind without a schema is a fault too.

    python3 crds.py FOLDER FILE...
"""

import json
import pathlib
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """Reads YAML as Kubernetes does: a time is text."""


Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def is_kubernetes(group):
    """Whether its kinds are Kubernetes' own. The Gateway API is called so and is not."""
    return "." not in group or group.endswith(".k8s.io") and not group.startswith("gateway.")


def wrong(schemas, document):
    """What is wrong with it, or None where it is not for us to say."""
    group, _, version = document["apiVersion"].rpartition("/")
    if is_kubernetes(group):
        return None
    path = schemas / group / f'{document["kind"].lower()}_{version}.json'
    if not path.exists():
        return [f"there is no {path.relative_to(schemas)}"]
    errors = jsonschema.Draft7Validator(json.loads(path.read_text())).iter_errors(document)
    return [f"{error.json_path}: {error.message[:200]}" for error in errors]


def main():
    schemas, seen, faults = pathlib.Path(sys.argv[1]), 0, 0
    for file in map(pathlib.Path, sys.argv[2:]):
        for document in yaml.load_all(file.read_text(), Loader):
            found = wrong(schemas, document) if document else None
            seen += found is not None
            for fault in found or []:
                faults += 1
                print(f'{file.name}: {document["kind"]} {document["metadata"]["name"]}: {fault}')
    print(f"{seen} documents, {faults} wrong")
    sys.exit(faults > 0 or seen == 0)


main()

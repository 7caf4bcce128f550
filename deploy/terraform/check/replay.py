"""Makes with a stand-in of AWS (moto, in this process) what Terraform would make: the arguments are
those that Terraform reckoned itself, as `terraform test -json -verbose` shows them, names of what
was made put in the place of those that the tests made up. boto3 judges their form, moto their sense;
then it is asked what stands there (judge.py).

    terraform test -json -verbose -filter=tests/whole.tftest.hcl | replay.py RUN
"""

import json
import os
import re
import sys

os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}

import boto3
from moto import mock_aws

import judge
import makers
import runners


def state(lines, run):
    """All resources of a run's state, in the order in which they are told."""
    for line in lines:
        message = json.loads(line)
        if message.get("@testrun") == run and "test_state" in message:
            break
    else:
        sys.exit(f"no run {run} was applied: did `terraform test` fail?")
    found = []

    def walk(module):
        found.extend(one for one in module.get("resources", []) if one["mode"] == "managed")
        for below in module.get("child_modules", []):
            walk(below)

    walk(message["test_state"]["root_module"])
    return found


def words(params, model, **_):
    """Refuses a word that AWS does not know where it lists those that it does: boto3 lets it pass."""

    def look(value, shape, path):
        if shape.type_name == "structure" and isinstance(value, dict):
            for name, inner in value.items():
                if name in shape.members:
                    look(inner, shape.members[name], f"{path}.{name}")
        elif shape.type_name == "list":
            for one in value:
                look(one, shape.member, path)
        elif shape.type_name == "string" and getattr(shape, "enum", None) and value not in shape.enum:
            raise ValueError(f"{path} is {value!r}, and AWS knows {', '.join(shape.enum[:8])} …")

    if model.input_shape is not None:
        look(params, model.input_shape, model.name)


class World:
    """What was made so far, and what the tests called it."""

    def __init__(self, region):
        self.region = region
        self.names = {}
        self.counts = {}

    def client(self, service, region=None):
        client = boto3.client(service, region_name=region or self.region)
        client.meta.events.register(f"provide-client-params.{client.meta.service_model.service_id.hyphenize()}.*", words)
        return client

    def real(self, value):
        """The same, with what was made in the place of what was made up."""
        if isinstance(value, str):
            return self.pattern.sub(lambda found: self.names[found.group()], value) if self.names else value
        if isinstance(value, list):
            return [self.real(one) for one in value]
        if isinstance(value, dict):
            return {name: self.real(one) for name, one in value.items()}
        return value

    @property
    def pattern(self):
        longest = sorted(self.names, key=len, reverse=True)
        return re.compile("|".join(rf"\b{re.escape(name)}\b" for name in longest))

    def make(self, resource):
        told = resource["values"]
        kind = resource["type"].removeprefix("aws_")
        maker = getattr(makers, kind, None) or getattr(runners, kind, None)
        if maker is None:
            self.counts.setdefault("left out", []).append(kind)
            return
        made = maker(self, Given(self.real(told))) or {}
        for name, value in made.items():
            # Certificates have a name that the tests gave, and others those of the stand-in.
            if told.get(name) and told[name] != value:
                self.names[told[name]] = value
        self.counts[kind] = self.counts.get(kind, 0) + 1


class Given(dict):
    """Arguments; what is none is not there."""

    def __init__(self, values):
        super().__init__({name: value for name, value in values.items() if value not in (None, [], {})})

    def only(self, **wanted):
        """Those that are there, by the names that AWS gives them."""
        return {theirs: self[ours] for theirs, ours in wanted.items() if ours in self}

    def block(self, name):
        return Given(self[name][0]) if self.get(name) else Given({})


def main():
    run = sys.argv[1]
    resources = state(sys.stdin, run)
    # What others are made of first; the rest as told.
    resources.sort(key=lambda one: makers.ORDER.index(one["type"]) if one["type"] in makers.ORDER else 99)
    region = next(
        one["values"]["availability_zone"][:-1] for one in resources if one["type"] == "aws_subnet"
    )
    with mock_aws():
        world = World(region)
        for resource in resources:
            try:
                world.make(resource)
            except Exception as wrong:
                sys.exit(f"{resource['address']}: {wrong}")
        left_out = sorted(set(world.counts.pop("left out", [])))
        print(f"{run}: made {sum(world.counts.values())} of {len(resources)}, {len(world.counts)} kinds")
        print("not made:", ", ".join(left_out) or "nothing")
        judge.judge(world)


if __name__ == "__main__":
    main()

"""A stand-in of Terraform's AWS provider, for machines that cannot fetch it: it knows what the real
one takes (TF_AWS_SCHEMA names what schema.py wrote), and does nothing. By it `terraform validate`
and `terraform test` with `mock_provider` judge every argument's name and type.
"""

import json
import os

import tf.provider
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc
from tf.runner import run_provider

NESTING = {
    "single": pb.Schema.NestedBlock.SINGLE,
    "list": pb.Schema.NestedBlock.LIST,
    "set": pb.Schema.NestedBlock.SET,
    "map": pb.Schema.NestedBlock.MAP,
}
# Of the provider's own settings, those that are used.
SETTINGS = {
    "attributes": {"region": {"type": "string", "optional": True}},
    "block_types": {
        "default_tags": {
            "nesting": "list",
            "max_items": 1,
            "block": {"attributes": {"tags": {"type": ["map", "string"], "optional": True}}},
        }
    },
}


def block(told):
    attributes = [
        pb.Schema.Attribute(
            name=name,
            type=json.dumps(value["type"]).encode(),
            required=value.get("required", False),
            optional=value.get("optional", False),
            computed=value.get("computed", False),
        )
        for name, value in told["attributes"].items()
    ]
    nested = [
        pb.Schema.NestedBlock(
            type_name=name,
            nesting=NESTING[value["nesting"]],
            min_items=value.get("min_items", 0),
            max_items=value.get("max_items", 0),
            block=block(value["block"]),
        )
        for name, value in told.get("block_types", {}).items()
    ]
    return pb.Schema.Block(attributes=attributes, block_types=nested)


def schema(told):
    return pb.Schema(block=block(told))


class StandIn(rpc.ProviderServicer):
    """Answers what is asked before anything is done."""

    def __init__(self, _provider):
        with open(os.environ["TF_AWS_SCHEMA"], encoding="utf-8") as file:
            self.kinds = json.load(file)["kinds"]

    def GetMetadata(self, _request, _context):
        return pb.GetMetadata.Response()

    def GetProviderSchema(self, _request, _context):
        return pb.GetProviderSchema.Response(
            provider=schema(SETTINGS),
            resource_schemas={
                kind: schema(told) for kind, told in self.kinds.items() if not kind.startswith("data.")
            },
            data_source_schemas={
                kind.removeprefix("data."): schema(told) for kind, told in self.kinds.items() if kind.startswith("data.")
            },
        )

    def ValidateProviderConfig(self, _request, _context):
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, _request, _context):
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, _request, _context):
        return pb.ValidateDataResourceConfig.Response()

    def StopProvider(self, _request, _context):
        return pb.StopProvider.Response()


if __name__ == "__main__":
    tf.provider.ProviderServicer = StandIn
    run_provider(None)

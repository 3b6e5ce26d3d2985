"""A stand-in for the AWS provider, as far as a plan needs it: it knows the schema of `aws-schema.json` and
nothing of AWS.

Terraform itself checks the configuration against that schema. What the provider would compute is unknown in
the plan; of data sources, the account, the region and the partition are answered. It creates, changes and
deletes nothing: those requests are refused.
"""

from __future__ import annotations

import base64
import functools
import json
import sys
import tempfile
import threading
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import msgpack
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tf.gen import grpc_controller_pb2 as controller_pb
from tf.gen import tfplugin_pb2
from tf.runner import _self_signed_cert

SCHEMA = json.loads(Path(__file__).with_name("aws-schema.json").read_text())
# what the data sources say, in place of an account
ACCOUNT = {
    "aws_caller_identity": {"account_id": "111122223333"},
    "aws_partition": {"partition": "aws", "dns_suffix": "amazonaws.com"},
    "aws_region": {"region": "eu-central-1"},
}
UNKNOWN = msgpack.ExtType(0, b"\x00")
NESTING = {"single": 1, "list": 2, "set": 3}


def messages() -> descriptor_pool.DescriptorPool:
    """The messages of protocol 6: `tf` has 6.6; write-only arguments and ephemeral resources came with 6.8."""
    file = descriptor_pb2.FileDescriptorProto()
    file.ParseFromString(tfplugin_pb2.DESCRIPTOR.serialized_pb)
    file.name = "tfplugin6_8.proto"
    nested = {message.name: message for message in file.message_type}
    attribute = next(m for m in nested["Schema"].nested_type if m.name == "Attribute")
    attribute.field.add(name="write_only", number=11, type=8, label=1)
    response = next(m for m in nested["GetProviderSchema"].nested_type if m.name == "Response")
    entry = response.nested_type.add(name="EphemeralResourceSchemasEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=9, label=1)
    entry.field.add(name="value", number=2, type=11, label=1, type_name=".tfplugin6.Schema")
    full = ".tfplugin6.GetProviderSchema.Response.EphemeralResourceSchemasEntry"
    response.field.add(name="ephemeral_resource_schemas", number=8, type=11, label=3, type_name=full)
    for name, answers in (
        ("ValidateEphemeralResourceConfig", [("diagnostics", 1, ".tfplugin6.Diagnostic", 3)]),
        (
            "OpenEphemeralResource",
            [("diagnostics", 1, ".tfplugin6.Diagnostic", 3), ("result", 3, ".tfplugin6.DynamicValue", 1)],
        ),
        ("CloseEphemeralResource", [("diagnostics", 1, ".tfplugin6.Diagnostic", 3)]),
    ):
        message = file.message_type.add(name=name)
        request = message.nested_type.add(name="Request")
        request.field.add(name="type_name", number=1, type=9, label=1)
        request.field.add(name="config", number=2, type=11, label=1, type_name=".tfplugin6.DynamicValue")
        answer = message.nested_type.add(name="Response")
        for field, number, kind, label in answers:
            answer.field.add(name=field, number=number, type=11, label=label, type_name=kind)
    pool = descriptor_pool.DescriptorPool()
    for dependency in tfplugin_pb2.DESCRIPTOR.dependencies:
        known = descriptor_pb2.FileDescriptorProto()
        known.ParseFromString(dependency.serialized_pb)
        pool.Add(known)
    pool.Add(file)
    return pool


MESSAGES = messages()


@functools.cache
def message_class(name: str) -> Any:
    return message_factory.GetMessageClass(MESSAGES.FindMessageTypeByName(f"tfplugin6.{name}"))


def message(name: str, /, **fields: Any) -> Any:
    return message_class(name)(**fields)


def dynamic(value: Any) -> Any:
    return message("DynamicValue", msgpack=msgpack.packb(value))


def read(value: Any) -> Any:
    if value.json:
        return json.loads(value.json)
    return msgpack.unpackb(value.msgpack, ext_hook=lambda code, data: UNKNOWN, strict_map_key=False)


def block_of(schema: dict[str, Any]) -> Any:
    attributes = [
        message(
            "Schema.Attribute",
            name=name,
            type=json.dumps(attribute["type"]).encode(),
            required=attribute.get("required", False),
            optional=attribute.get("optional", False),
            computed=attribute.get("computed", False),
            write_only=attribute.get("write_only", False),
        )
        for name, attribute in schema.get("attributes", {}).items()
    ]
    blocks = [
        message(
            "Schema.NestedBlock",
            type_name=name,
            block=block_of(block),
            nesting=NESTING[block["nesting"]],
            min_items=block.get("min", 0),
            max_items=block.get("max", 0),
        )
        for name, block in schema.get("blocks", {}).items()
    ]
    return message("Schema.Block", attributes=attributes, block_types=blocks)


def planned(schema: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """What is asked for, with unknown values where only the provider knows them."""
    result = {}
    for name, attribute in schema.get("attributes", {}).items():
        own = value.get(name)
        if attribute.get("write_only"):
            own = None
        elif own is None and attribute.get("computed"):
            own = UNKNOWN
        result[name] = own
    for name, block in schema.get("blocks", {}).items():
        own = value.get(name)
        if isinstance(own, list):
            own = [planned(block, item) for item in own]
        elif isinstance(own, dict):
            own = planned(block, own)
        result[name] = own
    return result


def filled(schema: dict[str, Any], value: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """What a data source says: what it was asked, and what is known."""
    texts = {
        name: f"stub {name}"
        for name, a in schema["attributes"].items()
        if a["type"] == "string" and a.get("computed")
    }
    return {**value, **{name: value.get(name) or known.get(name, text) for name, text in texts.items()}}


class Provider:
    """The requests that a plan consists of."""

    def GetProviderSchema(self, request: Any) -> Any:
        def schemas(kind: str) -> dict[str, Any]:
            return {name: message("Schema", block=block_of(schema)) for name, schema in SCHEMA[kind].items()}

        region = message("Schema.Attribute", name="region", type=b'"string"', optional=True)
        tags = message("Schema.Attribute", name="tags", type=b'["map","string"]', optional=True)
        default_tags = message(
            "Schema.NestedBlock",
            type_name="default_tags",
            nesting=2,
            max_items=1,
            block=message("Schema.Block", attributes=[tags]),
        )
        block = message("Schema.Block", attributes=[region], block_types=[default_tags])
        return message(
            "GetProviderSchema.Response",
            provider=message("Schema", block=block),
            resource_schemas=schemas("resource"),
            data_source_schemas=schemas("data"),
            ephemeral_resource_schemas=schemas("ephemeral"),
        )

    def PlanResourceChange(self, request: Any) -> Any:
        asked = read(request.proposed_new_state)
        state = None if asked is None else planned(SCHEMA["resource"][request.type_name], asked)
        return message("PlanResourceChange.Response", planned_state=dynamic(state))

    def ReadDataSource(self, request: Any) -> Any:
        name = request.type_name
        return message(
            "ReadDataSource.Response",
            state=dynamic(filled(SCHEMA["data"][name], read(request.config), ACCOUNT.get(name, {}))),
        )

    def OpenEphemeralResource(self, request: Any) -> Any:
        schema = SCHEMA["ephemeral"][request.type_name]
        return message(
            "OpenEphemeralResource.Response", result=dynamic(filled(schema, read(request.config), {}))
        )

    def ApplyResourceChange(self, request: Any) -> Any:
        refusal = message(
            "Diagnostic", severity=1, summary="This stand-in of the provider plans and applies nothing."
        )
        return message("ApplyResourceChange.Response", new_state=request.prior_state, diagnostics=[refusal])


# answered with an empty message: there is nothing to say
SILENT = (
    "ValidateProviderConfig",
    "ConfigureProvider",
    "ValidateResourceConfig",
    "ValidateDataResourceConfig",
    "ValidateEphemeralResourceConfig",
    "CloseEphemeralResource",
    "StopProvider",
)


def serve() -> None:
    stopped = threading.Event()
    provider = Provider()

    def handler(name: str, answer: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: answer(request),
            request_deserializer=message_class(f"{name}.Request").FromString,
            response_serializer=lambda value: value.SerializeToString(),
        )

    answers = {name: getattr(provider, name) for name in dir(Provider) if not name.startswith("_")}
    answers.update({name: (lambda request, name=name: message(f"{name}.Response")) for name in SILENT})

    def shutdown(request: Any, context: Any) -> Any:
        stopped.set()
        return controller_pb.Empty()

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "tfplugin6.Provider", {name: handler(name, a) for name, a in answers.items()}
            ),
            grpc.method_handlers_generic_handler(
                "plugin.GRPCController",
                {
                    "Shutdown": grpc.unary_unary_rpc_method_handler(
                        shutdown,
                        request_deserializer=controller_pb.Empty.FromString,
                        response_serializer=controller_pb.Empty.SerializeToString,
                    )
                },
            ),
        )
    )
    certificate, credentials = _self_signed_cert()
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/provider.sock"
        server.add_secure_port(f"unix://{socket}", credentials)
        server.start()
        print(f"1|6|unix|{socket}|grpc|{base64.b64encode(certificate).decode().rstrip('=')}", flush=True)
        stopped.wait()
        server.stop(grace=0.2).wait()


if __name__ == "__main__":
    sys.exit(serve())

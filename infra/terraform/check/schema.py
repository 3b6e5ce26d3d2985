"""Whether a module asks for what the provider has: types of resources, arguments, blocks, and what is
required of each.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hcl import Block, Refused

SCHEMA: dict[str, Any] = json.loads(Path(__file__).with_name("aws-schema.json").read_text())
KINDS = ("data", "ephemeral", "resource")
# what Terraform itself understands in every resource
META = {"count", "depends_on", "for_each", "provider"}
META_BLOCKS = {"lifecycle"}
LIFECYCLE = {"create_before_destroy", "ignore_changes", "prevent_destroy", "replace_triggered_by"}
TOP = {"data", "ephemeral", "locals", "module", "output", "provider", "resource", "terraform", "variable"}


def problems(blocks: list[Block]) -> list[str]:
    """Everything that is wrong, each with its file and line."""
    found: list[str] = []
    for block in blocks:
        if block.type not in TOP:
            found.append(f"{block.where}: Terraform has no block `{block.type}`")
        elif block.type in KINDS:
            found += _problems_of_resource(block)
        elif block.type == "terraform":
            found += _problems_of_versions(block)
    return found


def schema_of(block: Block) -> dict[str, Any]:
    kind = block.labels[0]
    if kind not in SCHEMA[block.type]:
        raise Refused(f"{block.where}: the provider has no {block.type} `{kind}` that aws-schema.json knows")
    return SCHEMA[block.type][kind]


def _problems_of_resource(block: Block) -> list[str]:
    try:
        schema = schema_of(block)
    except Refused as refused:
        return [str(refused)]
    found = _problems_of_body(block, schema, block.labels[0], META, META_BLOCKS)
    for lifecycle in block.of("lifecycle"):
        found += [
            f"{a.where}: lifecycle has no `{a.name}`"
            for a in lifecycle.attributes.values()
            if a.name not in LIFECYCLE
        ]
    return found


def _problems_of_body(
    body: Block,
    schema: dict[str, Any],
    path: str,
    meta: set[str] = frozenset(),
    meta_blocks: set[str] = frozenset(),
) -> list[str]:
    attributes, blocks = schema.get("attributes", {}), schema.get("blocks", {})
    found = []
    for name, attribute in body.attributes.items():
        known = attributes.get(name)
        if name in meta:
            continue
        if known is None:
            what = "is a block, not an argument" if name in blocks else "is not known"
            found.append(f"{attribute.where}: {path}: `{name}` {what}")
        elif known.get("computed") and not known.get("optional"):
            found.append(f"{attribute.where}: {path}: `{name}` is decided by the provider")
    counted: dict[str, int] = {}
    open_ended: set[str] = set()
    for block in body.blocks:
        if block.type in meta_blocks:
            continue
        name, inner = block.type, block
        if block.type == "dynamic":
            name, contents = block.labels[0], block.of("content")
            open_ended.add(name)
            if len(contents) != 1 or "for_each" not in block.attributes:
                found.append(f"{block.where}: {path}: dynamic `{name}` needs `for_each` and one `content`")
                continue
            inner = contents[0]
        known = blocks.get(name)
        if known is None:
            what = "is an argument, not a block" if name in attributes else "is not known"
            found.append(f"{block.where}: {path}: block `{name}` {what}")
            continue
        counted[name] = counted.get(name, 0) + 1
        found += _problems_of_body(inner, known, f"{path}.{name}")
    found += [
        f"{body.where}: {path}: `{name}` is required"
        for name, attribute in attributes.items()
        if attribute.get("required") and name not in body.attributes
    ]
    for name, block in blocks.items():
        count = counted.get(name, 0)
        if count < block.get("min", 0):
            found.append(f"{body.where}: {path}: block `{name}` is required")
        if count > block.get("max", count) and name not in open_ended:
            found.append(f"{body.where}: {path}: block `{name}` may stand there once")
    return found


def _problems_of_versions(block: Block) -> list[str]:
    """The module asks for the version of the provider that its schema was taken from."""
    wanted = "~> " + ".".join(SCHEMA["provider"]["version"].split(".")[:2])
    found = []
    for providers in block.of("required_providers"):
        for attribute in providers.attributes.values():
            text = "".join(str(token) for token in attribute.expression.scan_values(lambda _: True))
            if f'"{wanted}"' not in text:
                found.append(
                    f"{attribute.where}: the schema is of version {SCHEMA['provider']['version']}: ask for {wanted}"
                )
    return found

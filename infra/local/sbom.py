"""What the functions are built from, as a CycloneDX 1.6 document: each crate with its version, licence and checksum, and who
uses it. Crates that only tests or build scripts need are not in it.

    python sbom.py <cargo metadata> <Cargo.lock> <document> <function>…

The same dependencies give the same bytes. Runs where cyclonedx-python-lib is installed: beside the linters.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL


def document(metadata: dict[str, Any], lock: dict[str, Any], functions: list[str]) -> Bom:
    packages = {package["id"]: package for package in metadata["packages"]}
    uses = {node["id"]: runtime(node) for node in metadata["resolve"]["nodes"]}
    roots = [id for id, package in packages.items() if package["name"] in functions and package["source"] is None]
    if len(roots) != len(functions):
        raise SystemExit(f"{len(roots)} of {len(functions)} functions are crates of this workspace")
    checksums = {(it["name"], it["version"]): it.get("checksum") for it in lock["package"]}
    components = {
        id: component(packages[id], checksums.get((packages[id]["name"], packages[id]["version"])), id in roots)
        for id in sorted(reached(roots, uses))
    }
    bom = Bom(components=components.values())
    when = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))
    bom.metadata.timestamp = datetime.datetime.fromtimestamp(when, datetime.UTC)
    whole = Component(name="shopify-exstream", type=ComponentType.APPLICATION, bom_ref="shopify-exstream")
    bom.metadata.component = whole
    bom.register_dependency(whole, [components[id] for id in roots])
    for id, it in components.items():
        bom.register_dependency(it, [components[used] for used in uses[id]])
    # of the content, so that the same dependencies are the same document
    names = "\n".join(sorted(str(it.purl) for it in components.values()))
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, names)
    return bom


def runtime(node: dict[str, Any]) -> list[str]:
    """What is linked into a crate's users: neither tests nor build scripts."""
    return [dep["pkg"] for dep in node["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]


def reached(roots: list[str], uses: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    ahead = list(roots)
    while ahead:
        id = ahead.pop()
        if id not in found:
            found.add(id)
            ahead.extend(uses[id])
    return found


def component(package: dict[str, Any], checksum: str | None, is_function: bool) -> Component:
    purl = PackageURL("cargo", None, package["name"], package["version"])
    licence = package["license"]
    return Component(
        name=package["name"],
        version=package["version"],
        type=ComponentType.APPLICATION if is_function else ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        # older crates say "MIT/Apache-2.0"
        licenses=[LicenseFactory().make_from_string(licence.replace("/", " OR "))] if licence else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
    )


def main(metadata: str, lock: str, target: str, *functions: str) -> None:
    read = json.loads(Path(metadata).read_text())
    bom = document(read, tomllib.loads(Path(lock).read_text()), list(functions))
    outputter = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    Path(target).write_text(outputter.output_as_string(indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

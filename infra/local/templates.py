"""A deployment is two stacks: what it keeps, and what works on it. Here both are one, for whoever looks at the deployment as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# how CDK names the outputs that one stack reads of the other
BETWEEN_STACKS = "PublishOutput"


def stacks(prefix: str) -> tuple[str, str]:
    """The names of the stacks, in the order in which they are deployed."""
    return f"{prefix}-data", prefix


def outputs(file: Path) -> dict[str, str]:
    """What people read of an outputs file of both."""
    found = {name: value for one in json.loads(file.read_text()).values() for name, value in one.items()}
    return {name: value for name, value in found.items() if not name.startswith(BETWEEN_STACKS)}


def joined(folder: Path, prefix: str) -> dict[str, Any]:
    """Both templates as one: what one reads of the other's outputs is a reference again."""
    read = [json.loads((folder / f"{name}.template.json").read_text()) for name in stacks(prefix)]
    given = {name: output for template in read for name, output in template.get("Outputs", {}).items()}

    def resolve(value: Any) -> Any:
        match value:
            case {"Fn::GetStackOutput": {"OutputName": str(name)}}:
                return given[name]["Value"]
            case dict():
                return {key: resolve(item) for key, item in value.items()}
            case list():
                return [resolve(item) for item in value]
        return value

    own = {name: output for name, output in given.items() if not name.startswith(BETWEEN_STACKS)}
    resources = {key: item for template in read for key, item in template["Resources"].items()}
    whole: dict[str, Any] = resolve({"Resources": resources, "Outputs": own})
    return whole

"""Policies as sets of single rights: who may (or may not) do one action on one resource, under which
condition.

Two policies that say the same compare as equal, however their statements are grouped; one right more or
less on either side shows.
"""

from __future__ import annotations

import json
from typing import Any

UNDERSTOOD = {"Action", "Condition", "Effect", "Principal", "Resource", "Sid"}


def rights(policy: Any) -> set[str]:
    document = json.loads(policy) if isinstance(policy, str) else policy
    if set(document) != {"Statement", "Version"} or document["Version"] != "2012-10-17":
        raise ValueError(f"a policy that is not understood: {sorted(document)}")
    return {right for statement in document["Statement"] for right in _of(statement)}


def _of(statement: dict[str, Any]) -> set[str]:
    unknown = set(statement) - UNDERSTOOD
    if unknown:
        raise ValueError(f"a statement with {sorted(unknown)} is not understood")
    condition = json.dumps(_condition(statement.get("Condition", {})), sort_keys=True, ensure_ascii=False)
    who = [
        f"{kind} {name}"
        for kind, names in statement.get("Principal", {"": ""}).items()
        for name in _list(names)
    ]
    return {
        f"{statement['Effect']} {name} {action} on {resource} if {condition}"
        for name in who
        for action in _list(statement["Action"])
        for resource in _list(statement.get("Resource", "itself"))
    }


def _condition(condition: dict[str, Any]) -> dict[str, Any]:
    return {
        test: {key: sorted(map(str, _list(values))) for key, values in of.items()}
        for test, of in condition.items()
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

"""What a module comes to for given variables, without Terraform: every resource with the values it would be
planned with.

What only AWS decides, such as an ARN, is a mark `⟦address.attribute⟧` within the text, so that whatever is
made of it can still be compared. Where Terraform is installed, `test_terraform.py` compares all this with a
plan, value by value.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from expressions import EvaluationError, evaluate
from hcl import Attribute, Block, Refused, read_folder
from schema import schema_of


def mark(address: str, attribute: str) -> str:
    return f"⟦{address}.{attribute}⟧"


class Nested:
    """A block within a resource, evaluated."""

    def __init__(
        self, owner: Instance, path: str, schema: dict[str, Any], block: Block, scope: dict[str, Any]
    ) -> None:
        self.owner, self.path, self.schema, self.block, self.scope = owner, path, schema, block, scope
        self._nested: dict[str, list[Nested]] | None = None

    def get(self, name: str) -> Any:
        attribute = self.schema.get("attributes", {}).get(name)
        if attribute is not None:
            if name in self.block.attributes:
                own = self.block.attributes[name]
                value = converted(self.owner.module.value(own, self.scope), attribute["type"], own.where)
                if value is not None:
                    return value
            return mark(self.owner.address, self.path + name) if attribute.get("computed") else None
        if name in self.schema.get("blocks", {}):
            return self.nested().get(name, [])
        raise EvaluationError(f"{self.owner.address} has no `{self.path}{name}`")

    def set(self) -> dict[str, Any]:
        """The arguments that are given, and not as null."""
        values = {name: self.owner.module.value(a, self.scope) for name, a in self.arguments().items()}
        types = self.schema.get("attributes", {})
        return {
            name: converted(value, types[name]["type"], self.block.attributes[name].where)
            for name, value in values.items()
            if value is not None
        }

    def arguments(self) -> dict[str, Attribute]:
        return {n: a for n, a in self.block.attributes.items() if n in self.schema.get("attributes", {})}

    def nested(self) -> dict[str, list[Nested]]:
        if self._nested is None:
            self._nested = {}
            for block in self.block.blocks:
                if block.type == "dynamic":
                    name, values = (
                        block.labels[0],
                        self.owner.module.value(block.attributes["for_each"], self.scope),
                    )
                    items = sorted(values.items()) if isinstance(values, dict) else list(enumerate(values))
                    found = [
                        (block.of("content")[0], {**self.scope, name: {"key": k, "value": v}})
                        for k, v in items
                    ]
                elif block.type in self.schema.get("blocks", {}):
                    name, found = block.type, [(block, self.scope)]
                else:
                    continue
                for inner, scope in found:
                    place = f"{self.path}{name}[{len(self._nested.get(name, []))}]."
                    self._nested.setdefault(name, []).append(
                        Nested(self.owner, place, self.schema["blocks"][name], inner, scope)
                    )
        return self._nested


class Instance(Nested):
    """A resource, data source or ephemeral resource."""

    def __init__(self, module: Module, address: str, block: Block, scope: dict[str, Any]) -> None:
        self.module, self.address = module, address
        super().__init__(self, "", schema_of(block), block, scope)

    def keeps(self) -> bool:
        """Terraform refuses to destroy it."""
        found = [
            b.attributes["prevent_destroy"]
            for b in self.block.of("lifecycle")
            if "prevent_destroy" in b.attributes
        ]
        return any(self.module.value(attribute, self.scope) for attribute in found)


class Module:
    def __init__(self, folder: Path, variables: dict[str, Any]) -> None:
        self.folder = folder
        self.blocks = read_folder(folder)
        self.variables: dict[str, Any] = {}
        self.locals: dict[str, Attribute] = {}
        self.resources: dict[str, Block] = {}
        self._values: dict[str, Any] = {}
        self._instances: dict[str, Any] = {}
        self._entered: list[str] = []
        for block in self.blocks:
            if block.type == "locals":
                for name, attribute in block.attributes.items():
                    if name in self.locals:
                        raise Refused(f"{attribute.where}: local `{name}` is set twice")
                    self.locals[name] = attribute
            elif block.type in ("resource", "data", "ephemeral"):
                prefix = "" if block.type == "resource" else f"{block.type}."
                name = f"{prefix}{'.'.join(block.labels)}"
                if name in self.resources:
                    raise Refused(f"{block.where}: {name} is there twice")
                self.resources[name] = block
        self._set_variables(variables)

    def _set_variables(self, given: dict[str, Any]) -> None:
        declared = {block.labels[0]: block for block in self.blocks if block.type == "variable"}
        for name in given:
            if name not in declared:
                raise Refused(f"there is no variable `{name}`")
        for name, block in declared.items():
            if name in given:
                self.variables[name] = given[name]
            elif "default" in block.attributes:
                self.variables[name] = self.value(block.attributes["default"], {})
            else:
                raise Refused(f"{block.where}: variable `{name}` has no value")
        for name, block in declared.items():
            for rule in block.of("validation"):
                if self.value(rule.attributes["condition"], {}) is not True:
                    raise Refused(f"variable `{name}`: {self.value(rule.attributes['error_message'], {})}")

    def value(self, attribute: Attribute, scope: dict[str, Any]) -> Any:
        try:
            return evaluate(attribute.expression, {**scope}, self.name)
        except EvaluationError as error:
            if re.match(r"[\w-]+\.tf:\d+: ", str(error)):
                raise
            raise EvaluationError(f"{attribute.where}: {error}") from None

    def name(self, name: str) -> Any:
        """What the first part of a reference means."""
        return _Root(self, name)

    def local(self, name: str) -> Any:
        if name not in self.locals:
            raise EvaluationError(f"there is no local `{name}`")
        return self._once(f"local.{name}", lambda: self.value(self.locals[name], {}))

    def resource(self, name: str) -> Any:
        """An instance, a list of them (`count`), or a map (`for_each`)."""
        if name not in self.resources:
            raise EvaluationError(f"there is no `{name}`")
        return self._once(name, lambda: self._make(name))

    def _make(self, name: str) -> Any:
        block = self.resources[name]
        if "count" in block.attributes:
            count = self.value(block.attributes["count"], {})
            return [Instance(self, f"{name}[{i}]", block, {"count": {"index": i}}) for i in range(count)]
        if "for_each" in block.attributes:
            values = self.value(block.attributes["for_each"], {})
            items = sorted(values.items()) if isinstance(values, dict) else [(v, v) for v in sorted(values)]
            return {
                k: Instance(self, f"{name}[{k}]", block, {"each": {"key": k, "value": v}}) for k, v in items
            }
        return Instance(self, name, block, {})

    def _once(self, key: str, make: Any) -> Any:
        if key not in self._values:
            if key in self._entered:
                raise EvaluationError(f"{key} is made of itself: {' → '.join(self._entered)}")
            self._entered.append(key)
            try:
                self._values[key] = make()
            finally:
                self._entered.pop()
        return self._values[key]

    def instances(self) -> dict[str, Instance]:
        """Every resource that would be planned, by its address."""
        found: dict[str, Instance] = {}
        for name, block in self.resources.items():
            if block.type != "resource":
                continue
            value = self.resource(name)
            several = (
                value
                if isinstance(value, list)
                else list(value.values())
                if isinstance(value, dict)
                else [value]
            )
            found.update({instance.address: instance for instance in several})
        return found

    def check_preconditions(self) -> None:
        """Raises what Terraform would refuse when it plans."""
        for instance in self.instances().values():
            for lifecycle in instance.block.of("lifecycle"):
                for rule in lifecycle.of("precondition"):
                    if self.value(rule.attributes["condition"], instance.scope) is not True:
                        message = self.value(rule.attributes["error_message"], instance.scope)
                        raise Refused(f"{rule.where}: {instance.address}: {message}")

    def outputs(self) -> dict[str, Any]:
        return {b.labels[0]: self.value(b.attributes["value"], {}) for b in self.blocks if b.type == "output"}


class _Root:
    """`var`, `local`, `data`, a type of resource: what follows the dot decides."""

    def __init__(self, module: Module, path: str) -> None:
        self.module, self.path = module, path

    def get(self, name: str) -> Any:
        if self.path == "var":
            if name not in self.module.variables:
                raise EvaluationError(f"there is no variable `{name}`")
            return self.module.variables[name]
        if self.path == "local":
            return self.module.local(name)
        if self.path == "path":
            return str(self.module.folder)
        if self.path in ("data", "ephemeral"):
            return _Root(self.module, f"{self.path}.{name}")
        return self.module.resource(f"{self.path}.{name}")


def converted(value: Any, kind: Any, where: str) -> Any:
    """A value in the type of an argument, as Terraform converts it: a number becomes a text."""
    if value is None or kind == "dynamic":
        return value
    if isinstance(kind, list):
        if kind[0] == "map":
            if not isinstance(value, dict):
                raise EvaluationError(f"{where}: expected a map")
            return {key: converted(item, kind[1], where) for key, item in value.items() if item is not None}
        if not isinstance(value, list):
            raise EvaluationError(f"{where}: expected a list")
        items = [converted(item, kind[1], where) for item in value]
        return sorted(set(items)) if kind[0] == "set" else items
    plain = isinstance(value, (str, int, float, bool))
    if kind == "string" and plain:
        return value if isinstance(value, str) else text(value)
    if kind == "number" and (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    if kind == "number" and isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value) if "." in value else int(value)
    if kind == "bool" and isinstance(value, bool):
        return value
    raise EvaluationError(f"{where}: expected a {kind}, found {type(value).__name__}")


def text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)

"""Expressions of Terraform, as far as the module uses them: what is not known here is refused, not guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hcl import name_of, significant
from lark import Token, Tree

Names = Callable[[str], Any]


class EvaluationError(Exception):
    pass


def evaluate(tree: Any, scope: dict[str, Any], names: Names) -> Any:
    if isinstance(tree, Token):
        raise EvaluationError(f"unexpected `{tree}`")
    node = NODES.get(tree.data)
    if node is None:
        raise EvaluationError(f"`{tree.data}` is not understood")
    return node(tree, scope, names)


def _only(tree: Tree, scope: dict[str, Any], names: Names) -> Any:
    (child,) = significant(tree)
    return evaluate(child, scope, names)


def _identifier(tree: Tree, scope: dict[str, Any], names: Names) -> Any:
    name = name_of(tree)
    return scope[name] if name in scope else names(name)


def _literal(tree: Tree, scope: dict[str, Any], names: Names) -> Any:
    return {"true": True, "false": False, "null": None}[name_of(tree)]


def _number(tree: Tree, scope: dict[str, Any], names: Names) -> Any:
    return whole(float(name_of(tree)))


def whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


def _string(tree: Tree, scope: dict[str, Any], names: Names) -> str:
    parts = [part.children[0] for part in tree.children if isinstance(part, Tree)]
    texts = []
    for part in parts:
        if isinstance(part, Token):
            plain = str(part).replace("$${", "${").replace("%%{", "%{")
            texts.append(re.sub(r"\\(.)", lambda found: ESCAPES[found.group(1)], plain))
        elif part.data == "interpolation":
            value = evaluate(significant(part)[0], scope, names)
            if value is None or isinstance(value, (dict, list)):
                raise EvaluationError("this cannot be part of a text")
            texts.append(text(value))
        else:
            raise EvaluationError(f"`{part.data}` is not understood")
    return "".join(texts)


def text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _tuple(tree: Tree, scope: dict[str, Any], names: Names) -> list[Any]:
    return [evaluate(child, scope, names) for child in significant(tree)]


def _object(tree: Tree, scope: dict[str, Any], names: Names) -> dict[str, Any]:
    result = {}
    for element in significant(tree):
        key, value = significant(element)
        result[_key(key, scope, names)] = evaluate(value, scope, names)
    return result


def _key(tree: Tree, scope: dict[str, Any], names: Names) -> str:
    inner = tree
    while (
        isinstance(inner, Tree)
        and inner.data in ("object_elem_key", "expr_term")
        and len(inner.children) == 1
    ):
        inner = inner.children[0]
    # a bare word is a key; a reference would be in parentheses
    if isinstance(inner, Tree) and inner.data in ("identifier", "keyword"):
        return name_of(inner)
    return text(evaluate(inner, scope, names))


def member(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        if name not in value:
            raise EvaluationError(f"there is no `{name}`")
        return value[name]
    if hasattr(value, "get"):
        return value.get(name)
    raise EvaluationError(f"{type(value).__name__} has no `{name}`")


def item(value: Any, key: Any) -> Any:
    if isinstance(value, list) and isinstance(key, int):
        if not 0 <= key < len(value):
            raise EvaluationError(f"there is no element {key}")
        return value[key]
    if isinstance(value, dict) and isinstance(key, str):
        return member(value, key)
    raise EvaluationError(f"{type(value).__name__} has no element {key!r}")


def _attribute(tree: Tree, scope: dict[str, Any], names: Names) -> Any:
    owner, access = significant(tree)
    return member(evaluate(owner, scope, names), name_of(significant(access)[0]))


def _index(tree: Tree, scope: dict[str, Any], names: Names) -> Any:
    owner, access = significant(tree)
    return item(evaluate(owner, scope, names), evaluate(significant(access)[0], scope, names))


def _splat(tree: Tree, scope: dict[str, Any], names: Names) -> list[Any]:
    owner, splat = significant(tree)
    value = evaluate(owner, scope, names)
    items = value if isinstance(value, list) else [] if value is None else [value]
    for access in significant(splat):
        if access.data != "get_attr":
            raise EvaluationError("this splat is not understood")
        items = [member(one, name_of(significant(access)[0])) for one in items]
    return items


def _conditional(tree: Tree, scope: dict[str, Any], names: Names) -> Any:
    condition, yes, no = significant(tree)
    value = evaluate(condition, scope, names)
    if not isinstance(value, bool):
        raise EvaluationError("a condition is true or false")
    return evaluate(yes if value else no, scope, names)


def _binary(tree: Tree, scope: dict[str, Any], names: Names) -> Any:
    left_tree, term = significant(tree)
    operator_tree, right_tree = significant(term)
    operator = name_of(operator_tree)
    # both sides are evaluated, as Terraform does: what fails on the right fails
    left, right = evaluate(left_tree, scope, names), evaluate(right_tree, scope, names)
    if operator == "==":
        return left == right and isinstance(left, bool) == isinstance(right, bool)
    if operator == "!=":
        return left != right
    if operator in ("&&", "||"):
        if not isinstance(left, bool) or not isinstance(right, bool):
            raise EvaluationError(f"`{operator}` takes what is true or false")
        return left and right if operator == "&&" else left or right
    if any(isinstance(side, bool) or not isinstance(side, (int, float)) for side in (left, right)):
        raise EvaluationError(f"`{operator}` takes numbers")
    return whole(ARITHMETIC[operator](left, right))


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: round(a * b, 9),
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
}


def _unary(tree: Tree, scope: dict[str, Any], names: Names) -> Any:
    value = evaluate(tree.children[-1], scope, names)
    return not value if str(tree.children[0]) == "!" else -value


def _rounds(intro: Tree, scope: dict[str, Any], names: Names) -> list[dict[str, Any]]:
    *variables, collection = significant(intro)
    named = [name_of(variable) for variable in variables]
    values = evaluate(collection, scope, names)
    if isinstance(values, dict):
        items: list[tuple[Any, Any]] = sorted(values.items())
    elif isinstance(values, list):
        items = list(enumerate(values))
    else:
        raise EvaluationError(f"there is nothing to go through in a {type(values).__name__}")
    if len(named) == 1:
        return [{**scope, named[0]: value} for _, value in items]
    return [{**scope, named[0]: key, named[1]: value} for key, value in items]


def _split_for(tree: Tree) -> tuple[Tree, list[Tree], Tree | None]:
    intro, *rest = [child for child in significant(tree) if isinstance(child, Tree)]
    condition = rest.pop() if rest[-1].data == "for_cond" else None
    return intro, rest, condition


def _holds(condition: Tree | None, scope: dict[str, Any], names: Names) -> bool:
    return condition is None or evaluate(significant(condition)[0], scope, names) is True


def _for_tuple(tree: Tree, scope: dict[str, Any], names: Names) -> list[Any]:
    intro, (value,), condition = _split_for(tree)
    return [
        evaluate(value, inner, names)
        for inner in _rounds(intro, scope, names)
        if _holds(condition, inner, names)
    ]


def _for_object(tree: Tree, scope: dict[str, Any], names: Names) -> dict[str, Any]:
    intro, (key, value), condition = _split_for(tree)
    result: dict[str, Any] = {}
    for inner in _rounds(intro, scope, names):
        if _holds(condition, inner, names):
            name = text(evaluate(key, inner, names))
            if name in result:
                raise EvaluationError(f"two elements have the key `{name}`")
            result[name] = evaluate(value, inner, names)
    return result


def _call(tree: Tree, scope: dict[str, Any], names: Names) -> Any:
    name_tree, *rest = significant(tree)
    name = name_of(name_tree)
    arguments = significant(rest[0]) if rest else []
    if name in ("can", "try"):
        return _attempt(name, arguments, scope, names)
    function = FUNCTIONS.get(name)
    if function is None:
        raise EvaluationError(f"the function `{name}` is not known here")
    spread = bool(arguments) and isinstance(arguments[-1], Token)
    values = [evaluate(argument, scope, names) for argument in arguments if isinstance(argument, Tree)]
    if spread:
        values = [*values[:-1], *values[-1]]
    try:
        return function(*values)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OSError) as error:
        raise EvaluationError(f"{name}: {error}") from None


def _attempt(name: str, arguments: list[Any], scope: dict[str, Any], names: Names) -> Any:
    for argument in arguments:
        try:
            value = evaluate(argument, scope, names)
        except EvaluationError:
            continue
        return True if name == "can" else value
    if name == "can":
        return False
    raise EvaluationError("try: nothing that was tried can be evaluated")


def _merge(*maps: Any) -> dict[str, Any]:
    return {key: value for one in maps if one is not None for key, value in one.items()}


def _concat(*lists: list[Any]) -> list[Any]:
    return [element for one in lists for element in one]


def _flatten(values: Any) -> list[Any]:
    return [deep for value in values for deep in (_flatten(value) if isinstance(value, list) else [value])]


def _coalesce(*values: Any) -> Any:
    return next(value for value in values if value is not None and value != "")


def _replace(value: str, what: str, by: str) -> str:
    if len(what) > 1 and what.startswith("/") and what.endswith("/"):
        return re.sub(what[1:-1], re.sub(r"\$(\d)", r"\\\1", by), value)
    return value.replace(what, by)


def _regex(pattern: str, value: str) -> str:
    found = re.search(pattern, value)
    if found is None:
        raise ValueError("the pattern is not found")
    return found.group(0)


def _one(values: list[Any]) -> Any:
    if len(values) > 1:
        raise ValueError("there is more than one element")
    return values[0] if values else None


def _set(values: list[Any]) -> list[Any]:
    return sorted(set(values))


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "alltrue": lambda values: all(value is True for value in values),
    "coalesce": _coalesce,
    "concat": _concat,
    "contains": lambda values, value: value in values,
    "distinct": lambda values: list(dict.fromkeys(values)),
    "element": lambda values, index: values[index % len(values)],
    "file": lambda path: Path(path).read_text(),
    "fileexists": lambda path: Path(path).exists(),
    # the packages are built later: that there is one is for Terraform to see
    "filebase64sha256": lambda path: f"⟦sha256 of {path}⟧",
    "flatten": _flatten,
    "floor": lambda value: int(value // 1),
    # texts in the places of %s, as far as the module needs it
    "format": lambda pattern, *values: pattern % values,
    "join": lambda separator, values: separator.join(values),
    "jsondecode": json.loads,
    "jsonencode": _json,
    "keys": lambda value: sorted(value),
    "length": len,
    "lookup": lambda value, key, default: value.get(key, default),
    "lower": str.lower,
    "merge": _merge,
    "min": min,
    "one": _one,
    "regex": _regex,
    "regexall": lambda pattern, value: [found.group(0) for found in re.finditer(pattern, value)],
    "replace": _replace,
    "setunion": lambda *sets: _set(_concat(*sets)),
    "split": lambda separator, value: value.split(separator),
    "startswith": lambda value, prefix: value.startswith(prefix),
    "strcontains": lambda value, part: part in value,
    "substr": lambda value, start, length: value[start : start + length],
    "title": lambda value: re.sub(r"(^|\s)(\w)", lambda found: found.group(0).upper(), value),
    "toset": _set,
    "tostring": lambda value: None if value is None else text(value),
    "trimspace": str.strip,
    "trimsuffix": lambda value, suffix: value.removesuffix(suffix),
    "upper": str.upper,
    "values": lambda value: [value[key] for key in sorted(value)],
}

NODES: dict[str, Callable[[Tree, dict[str, Any], Names], Any]] = {
    "attr_splat_expr_term": _splat,
    "binary_op": _binary,
    "conditional": _conditional,
    "expr_term": _only,
    "float_lit": _number,
    "for_object_expr": _for_object,
    "for_tuple_expr": _for_tuple,
    "full_splat_expr_term": _splat,
    "function_call": _call,
    "get_attr_expr_term": _attribute,
    "identifier": _identifier,
    "index_expr_term": _index,
    "int_lit": _number,
    "literal_value": _literal,
    "object": _object,
    "string": _string,
    "tuple": _tuple,
    "unary_op": _unary,
}

"""Terraform files as trees: blocks and attributes with the file and line each stands in. python-hcl2 reads
the language.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hcl2
from lark import Token, Tree
from lark.exceptions import UnexpectedInput


class Refused(Exception):
    """Something is wrong with the configuration. Says where."""


@dataclass
class Attribute:
    name: str
    expression: Any
    where: str


@dataclass
class Block:
    type: str
    labels: list[str]
    where: str
    attributes: dict[str, Attribute] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    def of(self, type: str) -> list[Block]:
        return [block for block in self.blocks if block.type == type]


def read_folder(folder: Path) -> list[Block]:
    """The blocks of every file of a module, as Terraform reads it."""
    files = sorted(folder.glob("*.tf"))
    if not files:
        raise Refused(f"{folder}: no Terraform files")
    return [block for file in files for block in read_file(file)]


def read_file(file: Path) -> list[Block]:
    try:
        tree = _tree(file.read_text())
    except UnexpectedInput as error:
        raise Refused(
            f"{file.name}:{error.line}: this is not Terraform's language, near column {error.column}"
        ) from None
    root = Block("", [], file.name)
    _fill(root, tree.children[0], file.name)
    if root.attributes:
        attribute = next(iter(root.attributes.values()))
        raise Refused(f"{attribute.where}: `{attribute.name}` stands outside of a block")
    return root.blocks


@functools.cache
def _tree(text: str) -> Tree:
    return hcl2.parses_to_tree(text)


def _fill(block: Block, body: Tree, file: str) -> None:
    for child in body.children:
        if not isinstance(child, Tree) or child.data == "new_line_or_comment":
            continue
        where = f"{file}:{child.meta.line}"
        if child.data == "attribute":
            name = name_of(child.children[0])
            if name in block.attributes:
                raise Refused(f"{where}: `{name}` is set twice")
            block.attributes[name] = Attribute(name, child.children[-1], where)
        else:
            parts = [
                part
                for part in child.children
                if isinstance(part, Tree) and part.data != "new_line_or_comment"
            ]
            *names, inner = parts
            labels = [text_of(part) for part in names]
            nested = Block(labels[0], labels[1:], where)
            _fill(nested, inner, file)
            block.blocks.append(nested)


def name_of(tree: Any) -> str:
    token = tree.children[0] if isinstance(tree, Tree) else tree
    return str(token)


def text_of(tree: Tree) -> str:
    """A label: a name, or a text in quotation marks."""
    if tree.data == "string":
        return "".join(str(part.children[0]) for part in tree.children if isinstance(part, Tree))
    return name_of(tree)


def significant(tree: Tree) -> list[Any]:
    """The children of a tree without line breaks and punctuation."""
    return [
        child
        for child in tree.children
        if (isinstance(child, Tree) and child.data != "new_line_or_comment")
        or (isinstance(child, Token) and child.type == "ELLIPSIS")
    ]

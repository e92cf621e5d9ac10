"""YAML files of a known shape, read strictly, with the line of whatever is wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from bot.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], text: str, file_name: str) -> Model:
    """Raises ConfigError with file, line and place of every fault."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{file_name}:{line}: {error.problem}") from error
    if root is None:
        raise ConfigError(f"{file_name}: empty")
    if twice := [f"{file_name}:{line}: {key} is given twice" for key, line in _repeated(root)]:
        raise ConfigError("\n".join(twice))
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = (
            f"{file_name}:{_line(root, fault['loc'])}: {'.'.join(map(str, fault['loc']))}: "
            f"{fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        )
        raise ConfigError("\n".join(faults)) from error


def _line(node: yaml.Node, path: tuple[int | str, ...]) -> int:
    """The line of the deepest node on `path` that exists."""
    line = node.start_mark.line
    for step in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == step), None)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
            continue
        else:
            break
        line = node.start_mark.line
    return line + 1


def _repeated(node: yaml.Node) -> Iterator[tuple[str, int]]:
    """Keys given twice in one mapping: YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, child in node.value:
            if key.value in seen:
                yield key.value, key.start_mark.line + 1
            seen.add(key.value)
            yield from _repeated(child)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _repeated(child)

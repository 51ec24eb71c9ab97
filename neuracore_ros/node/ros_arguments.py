"""ROS arguments that rclpy ignores without a warning, or refuses without a cure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

# What rcl says of wrong ROS arguments -> how to write them.
_CURES = {
    'opening YAML file': '; is it there?',
    'No file path provided': '; write --params-file params.yaml',
    'parameter override': '; write -p NAME:=VALUE, such as -p model:=policy.pt',
    'params file': '; it begins with infer:, and below that, indented, ros__parameters:',
    'remap rule': '; write -r FROM:=TO, such as -r __ns:=/left; names have letters, digits, _',
    'log level': '; write --log-level debug, info, warn, error or fatal',
}
_PARAMETERS = 'ros__parameters'


def first_line(error: Exception) -> str:
    """The message of an exception of rclpy, without places in its sources."""
    return str(error).split(', at ')[0]


def refusal(error: Exception) -> str:
    """The correct form of ROS arguments that rclpy refuses, in one line.

    Args:
        error: What rclpy raised; it has several kinds for this.
    """
    text = first_line(error).rstrip('.')
    if words := _unknown(text):
        shown = ' '.join(words)
        if all(re.match(r'[\w./]+:=', word) for word in words):
            return f"'{shown}' has no -p: write {' '.join(f'-p {word}' for word in words)}"
        return f"'{shown}' is no ROS argument; see infer_node --help"
    return text + next((cure for what, cure in _CURES.items() if what in text), '')


def unused_parameter_files(words: Sequence[str], node: str) -> list[str]:
    """A line for each parameter file that has nothing for a node; rcl passes over it silently.

    Args:
        words: Of the command line; rcl can read its files.
        node: Full name, such as ``/left/infer``.
    """
    lines = []
    for flag, name in pairwise(words):
        if flag != '--params-file':
            continue
        addressed = list(_addressed(_mapping(Path(name))))
        if addressed and not any(_matches(pattern, node) for pattern in addressed):
            lines.append(
                f'{name}: has parameters of {", ".join(addressed)} only, so nothing in it is used '
                f'by {node}: write {node}: or /**: at its top'
            )
    return lines


def _unknown(text: str) -> list[str]:
    """The words of rclpy's UnknownROSArgsError, which writes a Python list of them."""
    try:
        words = ast.literal_eval(text[text.index('[') :])
    except (ValueError, SyntaxError):
        return []
    return [str(word) for word in words] if isinstance(words, list) else []


def _mapping(path: Path) -> Any:
    # Imported late: rclpy has its own reader, and a node without such a file needs no second.
    import yaml

    try:
        return yaml.safe_load(path.read_text('utf-8'))
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _addressed(content: Any, above: str = '') -> Iterator[str]:
    """The nodes that a parameter file names, namespaces and wildcards included."""
    if not isinstance(content, Mapping):
        return
    for key, below in content.items():
        if key == _PARAMETERS:
            yield above or '/'
        else:
            yield from _addressed(below, f'{above}/{str(key).strip("/")}')


def _matches(pattern: str, node: str) -> bool:
    """As rcl has it: ``*`` is one part of a name, ``**`` any number of parts."""
    parts = [
        '(/[^/]+)*' if part == '**' else '/' + re.escape(part).replace(r'\*', '[^/]*')
        for part in pattern.strip('/').split('/')
    ]
    return bool(re.fullmatch(''.join(parts), node))

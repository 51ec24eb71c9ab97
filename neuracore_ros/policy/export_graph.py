"""A graph of torch.export as checked steps: operators of ATen, one after the other, nothing else.

torch's own reader makes Python code of such a file, and looks up by name whatever the file asks
for. Here a step is an operator of ATen that gives tensors and writes to none; a file that wants
more is refused before any of it runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from neuracore_ros.errors import quoted
from neuracore_ros.policy.export_schema import (
    SCHEMA,
    Value,
    argument,
    dtype_of,
    integers,
    only,
    tensor_name,
)
from neuracore_ros.records import Record

_TARGET = re.compile(r'torch\.ops\.aten\.(\w+)\.(\w+)')
# A statement of what the graph was exported with, which a lower precision or a GPU is not.
_STATEMENT = 'torch.ops.aten._assert_tensor_metadata.default'
# Private operators may skip checks of bounds; `__and__` and the like are none of them.
_PRIVATE = re.compile(r'_(?!_)')
# Those that graphs of torch.export have all the same; these check their sizes.
_CORE = {
    *('_to_copy', '_unsafe_view', '_softmax', '_log_softmax', '_adaptive_avg_pool2d'),
    *('_adaptive_avg_pool3d', '_native_batch_norm_legit_no_training'),
}
# Arguments whose text chooses a variant of an operator; any other text might name a file.
_VARIANTS = {'approximate', 'rounding_mode', 'mode', 'reduce'}
# Kind of a weight -> the key of its name.
_WEIGHTS = {
    'parameter': 'parameter_name',
    'buffer': 'buffer_name',
    'tensor_constant': 'tensor_constant_name',
}


@dataclass(frozen=True, slots=True)
class GraphInput:
    """An input of a graph: its name in it, its shape and dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class Step:
    """An operator with its arguments.

    Attributes:
        results: Names of what it gives.
        is_list: It gives a list or a tuple.
        last_read: Names that no later step reads.
    """

    operator: Any
    positional: tuple[Any, ...]
    named: Mapping[str, Any]
    results: tuple[str, ...]
    is_list: bool
    last_read: tuple[str, ...] = ()

    def reads(self) -> set[str]:
        """Names of the tensors that it reads."""
        found = set()
        for each in (*self.positional, *self.named.values()):
            listed = each if isinstance(each, list) else [each]
            found |= {one.name for one in listed if isinstance(one, Value)}
        return found


class ExportGraph:
    """A graph that runs on one device.

    Attributes:
        inputs: By position.
        weights: Name in the graph -> name of the weight or constant.
        gives: Number of outputs.
    """

    def __init__(self, program: Record, device: torch.device) -> None:
        """Check a program.

        Raises:
            UserError: It has no static shapes, or wants more than operators of ATen.
        """
        if (version := program.record('schema_version').integer('major')) != SCHEMA:
            raise program.error(f'has schema {version}; this version reads {SCHEMA}')
        module = program.record('graph_module')
        graph, signature = module.record('graph'), module.record('signature')
        self.inputs: list[GraphInput] = []
        self.weights: dict[str, str] = {}
        for spec in signature.listed('input_specs'):
            self._take(spec, graph.record('tensor_values'))
        known = {*self.weights, *(each.name for each in self.inputs)}
        steps = list(_steps(graph.listed('nodes'), known, device))
        self._outputs = tuple(_output(spec, known) for spec in signature.listed('output_specs'))
        self._names = [each.name for each in self.inputs]
        self.gives = len(self._outputs)
        self._steps = _with_last_reads(steps, {*self.weights, *self._outputs})

    def run(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Run all steps; ``weights`` are by their name in the graph."""
        values = dict(weights)
        values.update(zip(self._names, inputs, strict=True))
        for step in self._steps:
            found = step.operator(
                *[_filled(each, values) for each in step.positional],
                **{name: _filled(each, values) for name, each in step.named.items()},
            )
            given = found if step.is_list else (found,)
            values.update(zip(step.results, given, strict=True))
            for name in step.last_read:
                del values[name]
        return tuple(values[name] for name in self._outputs)

    def _take(self, spec: Record, shapes: Record) -> None:
        """Note one input of the graph: a weight, or what is given at each run."""
        kind = only(spec, ('user_input', *_WEIGHTS))
        if kind in _WEIGHTS:
            name = spec.record(kind).record('arg').text('name')
            self.weights[name] = spec.record(kind).text(_WEIGHTS[kind])
            return
        name = tensor_name(spec.record(kind).record('arg'))
        shape = shapes.record(name)
        self.inputs.append(GraphInput(name, integers(shape, 'sizes'), dtype_of(shape)))


def _steps(nodes: Iterable[Record], known: set[str], device: torch.device) -> Iterator[Step]:
    """The steps of a graph; ``known`` grows by what each gives."""
    for node in nodes:
        if node.text('target') == _STATEMENT:
            continue
        step = _step(node, device)
        if lost := step.reads() - known:
            raise node.error(f'reads {quoted(min(lost))}, which nothing has computed')
        if len({*step.results} - known) != len(step.results):
            raise node.error(f'gives {quoted(", ".join(step.results))} a second time')
        known.update(step.results)
        yield step


def _step(node: Record, device: torch.device) -> Step:
    operator = _operator(node)
    given = {
        each.text('name'): argument(each.record('arg'), device) for each in node.listed('inputs')
    }
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for place, wanted in enumerate(operator._schema.arguments):
        if wanted.name not in given:
            continue
        value = given.pop(wanted.name)
        if isinstance(value, str) and wanted.name not in _VARIANTS:
            raise node.error(f'gives {operator} the text {quoted(value)}')
        if wanted.kwarg_only or place > len(positional):
            named[wanted.name] = value
        else:
            positional.append(value)
    if given:
        raise node.error(f'{operator} has no argument {quoted(min(given))}')
    results: list[str] = []
    for output in node.listed('outputs'):
        kind = only(output, ('as_tensor', 'as_tensors'))
        listed = [output.record(kind)] if kind == 'as_tensor' else output.listed(kind)
        results += [each.text('name') for each in listed]
    is_list = len(operator._schema.returns) > 1 or _kind(operator._schema.returns[0]) != 'Tensor'
    return Step(operator, tuple(positional), named, tuple(results), is_list)


def _operator(node: Record) -> Any:
    """The operator of a node, if it gives tensors and writes to none.

    That leaves out those that read or write files: they give something else, or take a text.
    """
    target = node.text('target')
    match = _TARGET.fullmatch(target)
    packet = getattr(torch.ops.aten, match[1], None) if match else None
    operator = getattr(packet, match[2], None) if match and packet else None
    if not isinstance(operator, torch._ops.OpOverload) or operator.namespace != 'aten':
        raise node.error(f'runs {quoted(target)}, which is no operator of this ATen')
    if match and _PRIVATE.match(match[1]) and match[1] not in _CORE:
        raise node.error(f'runs {quoted(target)}, which is private to ATen')
    returns = operator._schema.returns
    if (
        operator._schema.is_mutable
        or not returns
        or not {'Tensor', 'List[Tensor]'}.issuperset(map(_kind, returns))
    ):
        raise node.error(f'runs {quoted(target)}, which does more than give tensors')
    return operator


def _kind(declared: Any) -> str:
    return str(declared.type)


def _output(spec: Record, known: set[str]) -> str:
    only(spec, ('user_output',))
    name = tensor_name(spec.record('user_output').record('arg'))
    if name not in known:
        raise spec.error(f'gives {quoted(name)}, which nothing computes')
    return name


def _with_last_reads(steps: Sequence[Step], kept: set[str]) -> tuple[Step, ...]:
    """The steps, each with what memory it may give back."""
    found = []
    later = set(kept)
    for step in reversed(steps):
        last = (step.reads() | {*step.results}) - later
        found.append(replace(step, last_read=tuple(sorted(last))))
        later |= last
    return tuple(reversed(found))


def _filled(value: Any, values: Mapping[str, Tensor]) -> Any:
    if isinstance(value, Value):
        return values[value.name]
    return [_filled(each, values) for each in value] if isinstance(value, list) else value

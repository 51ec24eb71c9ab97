"""A TorchScript module that somebody else made gets a manifest, and is tried out once."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from neuracore_ros.description import DataType, Layout, Robot
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.file import PolicyFile
from neuracore_ros.policy.manifest import Embodiment, InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.policy import Policy, last_line
from neuracore_ros.policy.torchscript import read_module
from neuracore_ros.training.proof import Eager

_DICTIONARY = 'Dict(str, Tensor)'
WANTED = (
    'a policy takes (Dict[str, Tensor] inputs, Dict[str, Tensor] valid) and gives '
    'Dict[str, Tensor], see docs/policy_files.md'
)


def describe(
    robot: Robot,
    rate_hz: float,
    horizon: int,
    observation_steps: int = 1,
    image_size: tuple[int, int] | None = None,
    mode: str = 'absolute',
) -> Manifest:
    """The manifest of a policy that reads and commands all that a robot file describes.

    Args:
        robot: Gives widths; what it has counts as trained; its limits are the outputs' range.
        rate_hz: Steps per second.
        horizon: H, steps.
        observation_steps: T, steps.
        image_size: (height, width) of images, [px].
        mode: 'absolute' or 'relative', of all outputs.

    Raises:
        PolicyError: The robot has images, and their size is not given.
    """
    inputs: dict[DataType, InputSlots] = {}
    for kind, width in Layout.of([robot.input]).widths.items():
        if kind.is_image and image_size is None:
            raise PolicyError(
                f"'{robot.name}' reads {kind}: say with --image-size what size the model reads"
            )
        text = kind.slot_shape()[0] if kind is DataType.LANGUAGE else None
        size = image_size if kind.is_image else None
        trained = tuple(robot.input[kind])
        inputs[kind] = InputSlots(width, trained, image_size=size, length=text)
    outputs = {}
    for kind, width in Layout.of([robot.output]).widths.items():
        lowest, highest = _ranges(robot, kind, width)
        outputs[kind] = OutputSlots(width, tuple(robot.output[kind]), lowest, highest, mode)
    return Manifest(
        input=inputs,
        output=outputs,
        rate_hz=rate_hz,
        horizon=horizon,
        observation_steps=observation_steps,
        robots={robot.name: Embodiment(robot.input, robot.output)},
        versions={'torch': str(torch.__version__)},
    )


def adopt(path: Path, manifest: Manifest, find_horizon: bool) -> tuple[torch.nn.Module, Manifest]:
    """Read a TorchScript module and run it once as its manifest says.

    Args:
        path: TorchScript, with a manifest or without.
        manifest: What the module is said to read and predict.
        find_horizon: Whether the horizon is what the module gives, not what the manifest says.

    Returns:
        The module, and its manifest with the right horizon.

    Raises:
        PolicyError: No TorchScript, another signature, or outputs that the manifest does not say.
    """
    module, _ = read_module(PolicyFile.read(path), torch.device('cpu'))
    schema = module.forward.schema  # type: ignore[attr-defined]
    takes = [argument.type.str() for argument in schema.arguments[1:]]
    gives = [result.type.str() for result in schema.returns]
    if takes != [_DICTIONARY] * 2 or gives != [_DICTIONARY]:
        raise PolicyError(
            f'{path}: takes ({", ".join(takes)}) and gives {", ".join(gives) or "nothing"}; '
            f'{WANTED}'
        )
    runtime = Eager(module, manifest)
    if find_horizon:
        manifest = replace(manifest, horizon=_horizon(path, runtime))
    try:
        Policy(Eager(module, manifest), '').warm_up(1)
    except PolicyError as error:
        raise PolicyError(f'{path}: {error}') from error
    return module, manifest


def _horizon(path: Path, runtime: Eager) -> int:
    manifest = runtime.manifest
    inputs = {
        kind.value: np.zeros((1, *manifest.input_shape(kind)), kind.dtype)
        for kind in manifest.input
    }
    valid = {kind.value: np.ones((1, slots.width), bool) for kind, slots in manifest.input.items()}
    try:
        result = runtime.run(inputs, valid)
    except Exception as error:  # Whatever a stranger's module raises is the model's fault.
        raise PolicyError(f'{path}: the model failed: {last_line(error)}') from error
    first = next(iter(manifest.output)).value
    if first not in result or result[first].ndim < 3:
        there = ', '.join(f'{name} {tuple(array.shape)}' for name, array in result.items())
        raise PolicyError(
            f'{path}: the model gives no {first} of shape (1, H, W); it gives {there}'
        )
    return int(result[first].shape[1])


def _ranges(
    robot: Robot, kind: DataType, width: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Limits of the outputs, NaN where there are none; grippers' are in other units."""
    if kind.is_gripper or kind.is_pose:
        return (), ()
    lowest, highest = [math.nan] * width, [math.nan] * width
    for index, name in robot.output[kind].items():
        limit = robot.limits.get((kind, name))
        if limit is not None and math.isfinite(limit.lower) and math.isfinite(limit.upper):
            lowest[index], highest[index] = limit.lower, limit.upper
    return tuple(lowest), tuple(highest)

"""A model that was trained elsewhere: its manifest from robot files, and one run of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.description import (
    CrossEmbodimentDescription,
    DataType,
    Descriptions,
    EmbodimentDescription,
)
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.file import PolicyFile
from neuracore_ros.policy.manifest import Embodiment, InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.policy import Policy, last_line
from neuracore_ros.policy.signature import empty_inputs
from neuracore_ros.policy.torchscript import ModuleRuntime, read_module

_DICTIONARY = 'Dict(str, Tensor)'
WANTED = (
    'a policy takes (Dict[str, Tensor] inputs, Dict[str, Tensor] valid) and gives '
    'Dict[str, Tensor], see docs/policy_files.md'
)


def describe(
    origin: ModelOrigin, horizon: int, observation_steps: int = 1, mode: str = 'absolute'
) -> Manifest:
    """The manifest of a policy that reads and commands all that its robots have.

    All robots that are described give widths; what those that it was trained on have counts as
    trained; limits of robot files are the outputs' ranges.

    Raises:
        PolicyError: A robot has images, and their size is not known.
    """
    described = origin.described
    inputs: dict[DataType, InputSlots] = {}
    for kind, width in described.input_layout.widths.items():
        if kind.is_image and origin.image_size is None:
            raise PolicyError(f'the model reads {kind}: say with --image-size what size they have')
        text = kind.slot_shape()[0] if kind is DataType.LANGUAGE else None
        size = origin.image_size if kind.is_image else None
        trained = tuple(origin.input.get(kind, ()))
        inputs[kind] = InputSlots(width, trained, image_size=size, length=text)
    outputs = {}
    for kind, width in described.output_layout.widths.items():
        lowest, highest = _ranges(origin, kind, width)
        trained = tuple(origin.output.get(kind, ()))
        outputs[kind] = OutputSlots(width, trained, lowest, highest, mode=mode)
    return Manifest(
        input=inputs,
        output=outputs,
        rate_hz=origin.rate_hz,
        horizon=horizon,
        observation_steps=observation_steps,
        robots={
            robot: Embodiment(
                described.input[robot], described.output[robot], described.treated(robot)
            )
            for robot in origin.trained
        },
        versions={'torch': str(torch.__version__)},
        dataset=origin.dataset,
        vocabulary=described.vocabulary,
    )


def adopt(path: Path, manifest: Manifest, find_horizon: bool) -> tuple[torch.nn.Module, Manifest]:
    """Read a TorchScript module and run it once as a manifest says.

    Returns:
        The module, and the manifest; its horizon is what the module gives if that is to be found.

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
    runtime = ModuleRuntime(module, manifest)
    if find_horizon:
        manifest = replace(manifest, horizon=_horizon(path, runtime))
    try:
        Policy(ModuleRuntime(module, manifest), '').warm_up(1)
    except PolicyError as error:
        raise PolicyError(f'{path}: {error}') from error
    return module, manifest


def _horizon(path: Path, runtime: ModuleRuntime) -> int:
    try:
        result = runtime.run(*empty_inputs(runtime.manifest))
    except Exception as error:  # A module from elsewhere may raise anything.
        raise PolicyError(f'{path}: the model failed: {last_line(error)}') from error
    first = next(iter(runtime.manifest.output)).value
    if first not in result or result[first].ndim < 3:
        there = ', '.join(f'{name} {tuple(array.shape)}' for name, array in result.items())
        raise PolicyError(
            f'{path}: the model gives no {first} of shape (1, H, W); it gives {there}'
        )
    return int(result[first].shape[1])


def _ranges(
    origin: ModelOrigin, kind: DataType, width: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Least and largest value of each slot over all robot files, NaN where none bounds it."""
    lowest, highest = np.full(width, np.inf), np.full(width, -np.inf)
    for name in origin.trained:
        robot = origin.described.robots.get(name)
        for index, joint in robot.output.get(kind, {}).items() if robot else ():
            if robot and (kind, joint) in robot.limits:
                lower, upper = robot.slot_range(kind, joint)
                lowest[index] = min(lowest[index], lower)
                highest[index] = max(highest[index], upper)
    bounded = np.isfinite(lowest) & np.isfinite(highest)
    if not bounded.any():
        return (), ()
    lowest[~bounded] = highest[~bounded] = np.nan
    return tuple(lowest.tolist()), tuple(highest.tolist())


@dataclass(frozen=True, slots=True)
class ModelOrigin:
    """The robots, rate and images that a model was trained with elsewhere.

    Attributes:
        described: Robots whose layout the model has.
        trained: Those among them that it was trained on.
        rate_hz: Steps per second.
        image_size: (height, width) of images, [px]; None if it is not known.
        dataset: Its name; '' if it is not known.
    """

    described: Descriptions
    trained: tuple[str, ...]
    rate_hz: float
    image_size: tuple[int, int] | None = None
    dataset: str = ''

    @classmethod
    def of_dataset(cls, path: Path) -> ModelOrigin:
        """Read the origin from a dataset of this package.

        Raises:
            DatasetError: There is none.
            PolicyError: It has no episode.
        """
        metadata = load_metadata(path)
        trained = dict.fromkeys(episode.robot for episode in metadata.episodes)
        if not trained:
            raise PolicyError(f'{path}: has no episode, so nothing was trained on it')
        return cls(
            metadata.descriptions,
            tuple(trained),
            metadata.rate_hz,
            metadata.image_size,
            path.resolve().name,
        )

    @property
    def input(self) -> EmbodimentDescription:
        """Inputs of all robots that it was trained on; the first that has a slot names it."""
        return _together(self.described.input, self.trained)

    @property
    def output(self) -> EmbodimentDescription:
        """Outputs of all robots that it was trained on, likewise."""
        return _together(self.described.output, self.trained)


def _together(
    described: CrossEmbodimentDescription, robots: Sequence[str]
) -> EmbodimentDescription:
    slots: dict[DataType, dict[int, str]] = {}
    for robot in reversed(robots):
        for kind, names in described[robot].items():
            slots.setdefault(kind, {}).update(names)
    return {kind: dict(sorted(slots[kind].items())) for kind in DataType if kind in slots}

"""Training that begins with the weights of a trained policy, such as for one more robot."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from neuracore_ros.description.vocabulary import VocabularyId
from neuracore_ros.description.vocabulary_differences import mismatch
from neuracore_ros.errors import DescriptionWarning, TrainingError
from neuracore_ros.policy.manifest import Manifest, TrainedSlots
from neuracore_ros.policy.trained_treatments import other_recorded_senses
from neuracore_ros.policy.vocabularies import vocabulary_warnings
from neuracore_ros.training.chunk_policy import ChunkPolicy
from neuracore_ros.training.config import SETTINGS, NetworkOptions
from neuracore_ros.training.load_run import read_run
from neuracore_ros.training.normalisers import Denormaliser, Normaliser, PoseDenormaliser
from neuracore_ros.training.observation_encoder import RobotEmbedding
from neuracore_ros.training.run import Run
from neuracore_ros.training.settings import settings

# What weights cannot do without: it is taken over from the run that is begun with.
KEPT = (
    *('policy', 'horizon', 'observation_steps', 'inputs', 'outputs', 'relative'),
    *('statistics', 'normalise', 'mask_padding', 'number_format', *settings(NetworkOptions)),
)

_Numbers = tuple[float, ...]

Slots = TypeVar('Slots', bound=TrainedSlots)


def inherit_settings(path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run that begins with another's policy: those given, and what it decides.

    ``path`` is the other run's folder, or the policy file in it.

    Raises:
        TrainingError: There is no run, or something else was asked for than it has.
    """
    _, manifest = read_run(path)
    before = Run(path if path.is_dir() else path.parent).config()
    kept = {name: getattr(before, name) for name in KEPT}
    kept |= {'inputs': tuple(manifest.input), 'outputs': tuple(manifest.output)}
    for name, value in kept.items():
        if name in given and given[name] != value:
            raise TrainingError(
                f'--{SETTINGS[name].name}: {path} was trained with {value}, which its weights '
                'need; leave it out'
            )
    return {**given, **kept, 'init': str(path.absolute())}


def extend(new: Manifest, before: Manifest, path: str) -> Manifest:
    """The manifest of a policy that was trained as ``before`` says, and goes on with ``new``.

    Raises:
        TrainingError: The dataset has another layout, vocabulary, rate or image size.
    """
    for what, mine, theirs in (
        ('inputs', _shapes(new.input), _shapes(before.input)),
        ('outputs', _shapes(new.output), _shapes(before.output)),
        ('a rate in Hz', new.rate_hz, before.rate_hz),
    ):
        if mine != theirs:
            raise TrainingError(
                f'--init {path}: has {what} of {theirs}; the dataset of {mine}: convert its bags '
                "with the run's robots in --description, at its rate and image size"
            )
    vocabulary = _common_vocabulary(new, before, path)
    for robot, own in new.robots.items():
        if text := other_recorded_senses(robot, own, before, f'dataset {new.dataset}'):
            warnings.warn(f'--init {path}: {text}', DescriptionWarning, stacklevel=2)
    known = dict(before.robot_index)
    for robot in new.robot_index:
        known.setdefault(robot, len(known))
    return replace(
        new,
        input={kind: _both(slots, before.input[kind]) for kind, slots in new.input.items()},
        output={kind: _both(slots, before.output[kind]) for kind, slots in new.output.items()},
        robots={**before.robots, **new.robots},
        robot_index=known,
        vocabulary=vocabulary,
    )


def _common_vocabulary(new: Manifest, before: Manifest, path: str) -> VocabularyId | None:
    """The vocabulary of both; None, and a warning, where only one of them names one."""
    dataset = f'dataset {new.dataset}'
    if new.vocabulary is not None and before.vocabulary is not None:
        if text := mismatch(new.vocabulary, before.vocabulary, (dataset, path)):
            raise TrainingError(
                f"--init {path}: {text}: convert its bags with the run's vocabulary, or train "
                'without --init'
            )
        return new.vocabulary
    for text in vocabulary_warnings(new.vocabulary, before, dataset):
        warnings.warn(f'--init {path}: {text}', DescriptionWarning, stacklevel=2)
    return None


def init_from(policy: ChunkPolicy, trained: nn.Module, manifest: Manifest) -> None:
    """Load the weights of another policy, and keep statistics of what it was trained on.

    Statistics of slots that the other one was trained on are kept, since its weights are tied to
    them; those of other slots, and a further robot's own, are the new dataset's. The vector of a
    further robot begins as that of an unknown one. The manifest is that of the trained policy.

    Raises:
        TrainingError: The weights are those of another kind of policy.
    """
    weights = dict(trained.state_dict())
    for name, part in policy.named_modules():
        if isinstance(part, Normaliser | Denormaliser | PoseDenormaliser):
            slots = manifest.input if isinstance(part, Normaliser) else None
            kinds = {kind.value: each for kind, each in (slots or manifest.output).items()}
            kept = _kept(kinds[name.rpartition('.')[2]], part)
            for table, mine in part.scaling.named_buffers():
                before = weights[f'{name}.scaling.{table}']
                merged = mine.clone()
                merged[: len(before)] = torch.where(kept, before, mine[: len(before)])
                weights[f'{name}.scaling.{table}'] = merged
        if isinstance(part, RobotEmbedding):
            before = weights[f'{name}.robots.weight']
            further = part.robots.num_embeddings - len(before)
            weights[f'{name}.robots.weight'] = torch.cat([before, before[:1].expand(further, -1)])
    try:
        policy.load_state_dict(weights)
    except RuntimeError as error:
        raise TrainingError(
            '--init: its weights are those of another kind of policy, or of another version of it'
        ) from error


def _kept(slots: TrainedSlots, part: Normaliser | Denormaliser | PoseDenormaliser) -> Tensor:
    """A mask of the numbers of a DataType that were trained on."""
    numbers = part.scaling.centre.shape[1] // slots.width
    trained = torch.zeros(slots.width, dtype=torch.bool)
    trained[list(slots.trained)] = True
    return trained.repeat_interleave(numbers)


def _shapes(slots: Mapping[Any, TrainedSlots]) -> str:
    return ', '.join(
        f'{kind} {each.width}'
        + (f' at {size}' if (size := getattr(each, 'image_size', None)) else '')
        for kind, each in slots.items()
    )


def _both(new: Slots, before: Slots) -> Slots:
    """The slots of two trainings together."""
    return replace(
        new,
        trained=tuple(sorted({*new.trained, *before.trained})),
        minimum=_extreme(np.fmin, new.minimum, before.minimum),
        maximum=_extreme(np.fmax, new.maximum, before.maximum),
        min_xyz=_extreme(np.fmin, new.min_xyz, before.min_xyz),
        max_xyz=_extreme(np.fmax, new.max_xyz, before.max_xyz),
    )


def _extreme(of: np.ufunc, new: _Numbers, before: _Numbers) -> _Numbers:
    """The least or largest of two, as far as both are known; else the new ones."""
    return tuple(of(new, before).tolist()) if new and before else new

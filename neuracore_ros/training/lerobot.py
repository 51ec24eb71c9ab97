"""The import of a trained ACT checkpoint of LeRobot, whose normalising goes inside the module.

Weights and statistics are read as safetensors, which hold numbers only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from neuracore_ros.bounds import MAX_HORIZON, MAX_SIDE_PX
from neuracore_ros.description import DataType, EmbodimentDescription, Slots
from neuracore_ros.errors import PolicyError, quoted, unreadable
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.policy import last_line
from neuracore_ros.records import Record, read_record
from neuracore_ros.training.external_model import ModelOrigin, describe
from neuracore_ros.training.lerobot_act import ActNetwork, ActShape, Affine, LerobotAct
from neuracore_ros.training.resnet import RESNETS

STATE, ACTION, IMAGES = 'observation.state', 'action', 'observation.images.'

# Far beyond every ACT that was ever trained: a network is built before its weights are read.
_MOST_FEATURES, _MOST_LAYERS, _MOST_EPS = 1 << 14, 100, 1.0
_CHANNELS = 3

# LeRobot's names of ways to normalise, and the statistics that each reads.
_RANGES = {'MIN_MAX': ('min', 'max'), 'QUANTILES': ('q01', 'q99'), 'QUANTILE10': ('q10', 'q90')}


@dataclass(frozen=True, slots=True)
class Imported:
    """A checkpoint as a policy.

    Attributes:
        warnings: Guesses, one line each.
    """

    module: LerobotAct
    manifest: Manifest
    warnings: tuple[str, ...]


def read_checkpoint(folder: Path, origin: ModelOrigin) -> Imported:
    """Read an ACT policy of LeRobot's ``save_pretrained``, here or in ``pretrained_model``.

    The origin says which number of the state, which image and which number of the action is what.

    Raises:
        PolicyError: A file is missing or damaged, the policy is no ACT or has parts that are not
            known here, or the robots do not fit it.
    """
    if (folder / 'pretrained_model').is_dir():
        folder = folder / 'pretrained_model'
    config = _json(folder / 'config.json')
    shape, cameras = _shape(config)
    warnings: list[str] = []
    if origin.image_size not in (None, shape.image_size):
        raise PolicyError(
            f'{config.where}: reads images of {_size(shape.image_size)}, not of '
            f'{_size(origin.image_size)}: it was trained on others'
        )
    slots = _slots(cameras, origin.input.get(DataType.RGB_IMAGES, {}), folder, warnings)
    manifest = describe(replace(origin, image_size=shape.image_size), shape.horizon)
    if slots:
        images = manifest.input[DataType.RGB_IMAGES]
        wide = replace(images, width=max(images.width, 1 + max(slots)))
        manifest = replace(manifest, input={**manifest.input, DataType.RGB_IMAGES: wide})
    # Rows of our own datasets hold every column of the layout; others only what a robot has.
    own = bool(cameras) and all(_own(key) is not None for key in cameras)
    sides = (
        (STATE, shape.state, origin.input, manifest.input_layout.columns()),
        (ACTION, shape.actions, origin.output, manifest.output_layout.columns()),
    )
    columns = []
    for feature, count, described, names in sides:
        if own and count not in (0, len(names)):
            raise PolicyError(
                f'{folder}: {feature} has {count} numbers; what was given describes '
                f'{len(names)}. It was trained on a dataset of neuracore_ros, whose rows are as '
                'wide as all its robots: give --dataset DIR, or --description cross.yaml'
            )
        columns.append(_columns(f'{folder}: {feature}', count, described, names))
        if not own and count:
            taken = ', '.join(names[column] for column in columns[-1])
            whose = ', '.join(f"'{robot}'" for robot in origin.trained)
            warnings.append(f'{feature} is taken in the order of {whose}: {taken}')

    before = _normaliser(folder / 'policy_preprocessor.json', 'normalizer_processor')
    after = _normaliser(folder / 'policy_postprocessor.json', 'unnormalizer_processor')
    network = ActNetwork(shape)
    _load(network, folder / 'model.safetensors')
    network.backbone.fuse()
    module = LerobotAct(
        network,
        manifest,
        state_columns=columns[0],
        camera_slots=slots,
        action_columns=columns[1],
        state=before.affine(STATE, 'STATE', (shape.state,)),
        images=Affine.stacked([before.affine(key, 'VISUAL', (3, 1, 1)) for key in cameras]),
        action=after.affine(ACTION, 'ACTION', (shape.actions,)),
    )
    return Imported(module.eval(), manifest, tuple(warnings))


@dataclass(frozen=True, slots=True)
class _Normaliser:
    """A normalising step: statistics, and the mode of each type of feature."""

    where: str
    statistics: Mapping[str, Tensor]
    ways: Mapping[str, str]
    eps: float

    def affine(self, feature: str, kind: str, shape: tuple[int, ...]) -> Affine:
        """The normalising of a feature."""
        way = self.ways.get(kind, 'IDENTITY')
        known = any(name.startswith(f'{feature}.') for name in self.statistics)
        if way == 'IDENTITY' or not known:
            return Affine(torch.zeros(shape), torch.ones(shape), 0.0)
        if way == 'MEAN_STD':
            mean, std = (self._statistic(feature, name, shape) for name in ('mean', 'std'))
            return Affine(mean, std + self.eps, 0.0)
        if way in _RANGES:
            low, high = (self._statistic(feature, name, shape) for name in _RANGES[way])
            span = torch.where(high == low, torch.tensor(self.eps), high - low)
            return Affine(low, span / 2, -1.0)
        raise PolicyError(f"{self.where}: normalises {kind} by '{way}', which is not known here")

    def _statistic(self, feature: str, name: str, shape: tuple[int, ...]) -> Tensor:
        found = self.statistics.get(f'{feature}.{name}')
        if found is None or found.numel() != torch.Size(shape).numel():
            raise PolicyError(f"{self.where}: lacks '{name}' of {feature}, of shape {shape}")
        return found.float().reshape(shape)


def _normaliser(path: Path, step: str) -> _Normaliser:
    pipeline = _json(path)
    steps = pipeline.listed('steps')
    found = [each for each in steps if each.value('registry_name', default='') == step]
    if len(found) != 1:
        raise PolicyError(f"{path}: has {len(found)} steps '{step}', not one")
    config = found[0].record('config')
    ways = config.record('norm_map')
    statistics: dict[str, Tensor] = {}
    if found[0].has('state_file'):
        statistics = _safetensors(path.with_name(Path(found[0].name('state_file')).name))
    return _Normaliser(
        str(path),
        statistics,
        {key: ways.text(key) for key in ways},
        config.number('eps', 0.0, _MOST_EPS, default=1e-8),
    )


def _shape(config: Record) -> tuple[ActShape, list[str]]:
    """The network, and the features of its images."""
    kind = config.text('type')
    if kind != 'act':
        raise config.error(f"is a policy of type {quoted(kind)}; only 'act' can be read")
    shapes = {}
    for key, feature in config.record('input_features').records():
        names = ('channels', 'height', 'width') if key.startswith(IMAGES) else ('numbers',)
        shapes[key] = feature.sizes('shape', names, MAX_SIDE_PX)
    cameras = [key for key in shapes if key.startswith(IMAGES)]
    unknown = [key for key in shapes if key != STATE and key not in cameras]
    if unknown or not cameras:
        what = f'reads {quoted(unknown[0])}' if unknown else 'reads no images'
        raise config.error(f'{what}, which is not known here')
    if len({shapes[key] for key in cameras}) != 1:
        raise config.error('its images differ in size; one size can be read')
    backbone = config.text('vision_backbone')
    if backbone not in RESNETS or config.value('replace_final_stride_with_dilation', default=0):
        known = ', '.join(RESNETS)
        raise config.error(f'backbone {quoted(backbone)} is not known here; {known} are')
    if (activation := config.text('feedforward_activation')) not in ('relu', 'gelu'):
        raise config.error(f'activation {quoted(activation)} is not known here')
    channels, height, width = shapes[cameras[0]]
    if channels != _CHANNELS:
        raise config.error(f'its images have {channels} channels; {_CHANNELS} can be read')
    features, heads = config.count('dim_model', _MOST_FEATURES), config.count('n_heads')
    # Sines and cosines of rows and of columns share it.
    if features % heads or features % 4:
        raise config.wrong('dim_model', f'a multiple of 4 and of its {heads} n_heads')
    action = config.record('output_features').record(ACTION)
    return ActShape(
        state=shapes.get(STATE, (0,))[0],
        cameras=len(cameras),
        image_size=(height, width),
        actions=action.sizes('shape', ('numbers',), MAX_SIDE_PX)[0],
        horizon=config.count('chunk_size', MAX_HORIZON),
        width=features,
        heads=heads,
        feed_forward=config.count('dim_feedforward', _MOST_FEATURES),
        encoder_layers=config.count('n_encoder_layers', _MOST_LAYERS),
        decoder_layers=config.count('n_decoder_layers', _MOST_LAYERS),
        latent=config.count('latent_dim', _MOST_FEATURES),
        activation=activation,
        backbone=backbone,
        norm_first=config.flag('pre_norm'),
    ), cameras


def _columns(
    where: str, count: int, described: EmbodimentDescription, names: Sequence[str]
) -> list[int]:
    """The column of the layout for each number of a feature."""
    if count == len(names):
        return list(range(count))
    has = [
        column
        for column, name in enumerate(names)
        if int(name.split('.')[1]) in described.get(DataType(name.split('.')[0]), {})
    ]
    if count in (0, len(has)):
        return has[:count]
    raise PolicyError(
        f'{where} has {count} numbers; the robot file describes {len(has)}, in {len(names)} '
        'columns. Describe the robot with the indices that the checkpoint was trained with.'
    )


def _slots(
    cameras: Sequence[str], described: Slots, folder: Path, warnings: list[str]
) -> list[int]:
    """The camera slot of each image."""
    own = [_own(key) for key in cameras]
    if all(index is not None for index in own):
        return [index for index in own if index is not None]
    by_name = {name: index for index, name in described.items()}
    names = [key.removeprefix(IMAGES) for key in cameras]
    if all(name in by_name for name in names):
        return [by_name[name] for name in names]
    if len(names) != len(described):
        raise PolicyError(
            f'{folder}: reads the images {", ".join(names)}; the robot file describes '
            f'{", ".join(described.values()) or "none"}. Name the same cameras.'
        )
    pairs = ', '.join(f'{n} is {d}' for n, d in zip(names, described.values(), strict=True))
    warnings.append(f'images are taken in the order of the robot file: {pairs}')
    return list(described)


def _size(size: tuple[int, int] | None) -> str:
    return f'{size[1]} x {size[0]} px' if size else 'no size'


def _own(key: str) -> int | None:
    """The camera slot of an image of our own datasets."""
    match = re.fullmatch(r'observation\.images\.rgb_(\d+)', key)
    return int(match[1]) if match else None


def _load(network: ActNetwork, path: Path) -> None:
    weights = {
        name.removeprefix('model.'): tensor
        for name, tensor in _safetensors(path).items()
        if not name.startswith('model.vae_')
    }
    try:
        loaded = network.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise PolicyError(f'{path}: does not fit config.json ({last_line(error)})') from error
    if wrong := [*loaded.missing_keys, *loaded.unexpected_keys]:
        lacks = 'lacks' if loaded.missing_keys else 'has the unknown'
        raise PolicyError(f"{path}: {lacks} '{wrong[0]}': it does not fit config.json")


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    if not path.is_file():
        raise PolicyError(f'{path}: no such file; a checkpoint of LeRobot has it')
    try:
        loaded: dict[str, Tensor] = load_file(path)
    except Exception as error:  # The binding's own kind, which is no documented one.
        raise PolicyError(f'{path}: is damaged ({last_line(error)})') from error
    return loaded


def _json(path: Path) -> Record:
    try:
        return read_record(path, PolicyError)
    except FileNotFoundError as error:
        raise PolicyError(f'{path}: no such file; a checkpoint of LeRobot has it') from error
    except OSError as error:
        raise PolicyError(unreadable(path, error)) from error

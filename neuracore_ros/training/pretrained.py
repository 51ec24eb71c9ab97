"""Weights that a ResNet-18 learnt on ImageNet: torchvision's, without torchvision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from neuracore_ros.errors import TrainingError
from neuracore_ros.policy.archive import is_bomb
from neuracore_ros.policy.policy import last_line
from neuracore_ros.training.resnet import FrozenNorm, ResNet

IMAGENET = 'imagenet'

URL = 'https://download.pytorch.org/models/resnet18-f37072fd.pth'
"""torchvision's ResNet18_Weights.IMAGENET1K_V1; the end of its name begins its sha256."""


def begin_with_imagenet(policy: nn.Module, source: str) -> None:
    """Put weights into every ResNet of a policy that looks at colours.

    Args:
        policy: With ResNets whose normalisation is frozen.
        source: 'imagenet': fetched once, into torch's cache; or a file of a state dict.

    Raises:
        TrainingError: They cannot be fetched or read, or are those of another network; or the
            policy looks at no colours.
    """
    networks = [each for each in policy.modules() if isinstance(each, ResNet)]
    networks = [each for each in networks if isinstance(each.bn1, FrozenNorm)]
    if not networks:
        raise TrainingError(f'--pretrained {source}: the policy looks at no colours; leave it out')
    weights = _fetch() if source == IMAGENET else _read(Path(source))
    for network in networks:
        try:
            # What there is beyond that classifies ImageNet's images, and counts its batches.
            lacking = network.load_state_dict(weights, strict=False).missing_keys
        except (RuntimeError, TypeError) as error:
            raise TrainingError(_other(source, last_line(error))) from error
        if lacking:
            raise TrainingError(_other(source, f'it lacks {lacking[0]}'))


def _other(source: str, why: str) -> str:
    return (
        f"--pretrained {source}: is no state dict of torchvision's ResNet-18 ({why}); give such a "
        'file, or imagenet'
    )


def _fetch() -> dict[str, Any]:
    try:
        return dict(torch.hub.load_state_dict_from_url(URL, progress=False, check_hash=True))
    except (OSError, RuntimeError) as error:  # No network, or a file that came in part.
        raise TrainingError(
            f'--pretrained imagenet: {URL} cannot be fetched ({error}); fetch it elsewhere, and '
            f'give --pretrained FILE.pth or put it into {torch.hub.get_dir()}/checkpoints'
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        if is_bomb(path):
            raise ValueError('it unpacks to very much more')
        loaded = torch.load(path, map_location='cpu', weights_only=True)
    except FileNotFoundError as error:
        raise TrainingError(f'--pretrained {path}: no such file') from error
    except Exception as error:  # torch raises several kinds, none of them documented.
        raise TrainingError(
            f'--pretrained {path}: is damaged, or holds more than numbers and would run code: '
            "none of it was run; give a state dict of torchvision's ResNet-18"
        ) from error
    if not isinstance(loaded, dict):
        raise TrainingError(_other(str(path), 'it is none at all'))
    return loaded

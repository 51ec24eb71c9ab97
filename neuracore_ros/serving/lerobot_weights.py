"""A proof that a policy has the weights of its file.

LeRobot loads weights without insisting on all of them, and some of its policies go on without any
when the file cannot be read: what then moves is noise.
"""

from __future__ import annotations

from typing import Any

import torch

from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.policy import last_line
from neuracore_ros.serving.lerobot_checkpoint import WEIGHTS, LerobotCheckpoint
from neuracore_ros.wording import few

# Prefixes by which names in the file and in the module differ.
_PREFIXES = ('', 'model.')
_NORMALISING = ('normalize_inputs.', 'normalize_targets.', 'unnormalize_outputs.')


def require_loaded(policy: torch.nn.Module, checkpoint: LerobotCheckpoint) -> None:
    """Require that every tensor of a policy is one of its file.

    Raises:
        PolicyError: The file is damaged, lacks a tensor or has other values, or holds the
            normalising, which now belongs to the processors.
    """
    from safetensors import safe_open

    path = checkpoint.folder / WEIGHTS
    try:
        with safe_open(path, framework='pt') as file:
            _require_all(policy, file, str(path))
    except PolicyError:
        raise
    except Exception as error:  # The binding's own kind, which is no documented one.
        raise PolicyError(f'{path}: is damaged ({last_line(error)})') from error


def _require_all(policy: torch.nn.Module, file: Any, where: str) -> None:
    names = set(file.keys())
    if any(name.startswith(_NORMALISING) for name in names):
        raise PolicyError(
            f'{where}: holds the normalising, as older versions of LeRobot wrote it: python -m '
            'lerobot.processor.migrate_policy_normalization moves it into processors'
        )
    found: set[int] = set()
    missing: dict[str, torch.Tensor] = {}
    for name, tensor in policy.state_dict().items():
        stored = _stored(name, names)
        if stored is None:
            missing[name] = tensor
        elif not _equal(file.get_tensor(stored), tensor):
            raise PolicyError(f'{where}: {name} was not loaded as the file has it')
        else:
            found.add(tensor.data_ptr())
    # A tensor that two modules share is stored once.
    lost = [name for name, each in missing.items() if each.data_ptr() not in found]
    lost = [name for name in lost if missing[name].numel()]
    if lost:
        raise PolicyError(
            f'{where}: lacks {few(lost)} of the policy: it does not belong to its config.json'
        )


def _stored(name: str, names: set[str]) -> str | None:
    """The name of a tensor in the file."""
    for prefix in _PREFIXES:
        for each in (f'{prefix}{name}', name.removeprefix(prefix)):
            if each in names:
                return each
    return None


def _equal(stored: torch.Tensor, loaded: torch.Tensor) -> bool:
    """True for the same values, in the precision that the policy computes in."""
    here = loaded.detach().cpu()
    return here.shape == stored.shape and bool(torch.equal(stored.to(here.dtype), here))

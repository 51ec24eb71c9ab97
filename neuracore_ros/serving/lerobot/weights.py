"""A proof that a policy has the weights of its file.

LeRobot loads weights without insisting on all of them, and some of its policies go on without any
when the file cannot be read: what then moves is noise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import torch
from torch import Tensor

from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.policy import last_line
from neuracore_ros.serving.lerobot.checkpoint import WEIGHTS, LerobotCheckpoint
from neuracore_ros.wording import few

# Parts by which names in the file and in the module differ.
_PREFIX, _COMPILED = 'model.', '_orig_mod.'
_NORMALISING = ('normalize_inputs.', 'normalize_targets.', 'unnormalize_outputs.')
# Values by which a tensor is looked up before all of it is compared.
_FIRST = 32

_Key = tuple[tuple[int, ...], tuple[float, ...]]


def require_loaded(policy: torch.nn.Module, checkpoint: LerobotCheckpoint) -> None:
    """Require that every tensor of a policy is one of its file, under whatever name.

    Raises:
        PolicyError: The file is damaged, lacks a tensor or has other values, or holds the
            normalising, which now belongs to the processors.
    """
    from safetensors import safe_open

    path = checkpoint.folder / WEIGHTS
    try:
        with safe_open(path, framework='pt') as file:
            _require_all(policy.state_dict(), file, str(path))
    except PolicyError:
        raise
    except Exception as error:  # The binding's own kind, which is no documented one.
        raise PolicyError(f'{path}: is damaged ({last_line(error)})') from error


def _require_all(loaded: dict[str, Tensor], file: Any, where: str) -> None:
    names = set(file.keys())
    if any(name.startswith(_NORMALISING) for name in names):
        raise PolicyError(
            f'{where}: holds the normalising, as older versions of LeRobot wrote it: python -m '
            'lerobot.processor.migrate_policy_normalization moves it into processors'
        )
    found: set[int] = set()
    missing: dict[str, Tensor] = {}
    taken: set[str] = set()
    for name, tensor in loaded.items():
        stored = next((each for each in _spellings(name) if each in names), None)
        if stored is None:
            missing[name] = tensor
        elif not _equal(file.get_tensor(stored), tensor):
            raise PolicyError(f'{where}: {name} was not loaded as the file has it')
        else:
            taken.add(stored)
            found.add(tensor.data_ptr())
    # A tensor that two modules share is stored once.
    lost = {n: t for n, t in missing.items() if t.numel() and t.data_ptr() not in found}
    if lost and (never := _without(lost, file, names - taken or names)):
        raise PolicyError(
            f'{where}: lacks {few(never)} of the policy: it does not belong to its config.json'
        )


def _spellings(name: str) -> Iterator[str]:
    """The names that a tensor of the policy may have in the file."""
    plain = name.replace(_COMPILED, '')
    yield from (name, plain, f'{_PREFIX}{plain}', plain.removeprefix(_PREFIX))


def _without(lost: dict[str, Tensor], file: Any, names: Collection[str]) -> list[str]:
    """Those tensors that have no equal in the file: some policies rename, turn or copy theirs."""
    known: dict[_Key, list[str]] = {}
    kinds = {tensor.dtype for tensor in lost.values()}
    for name in names:
        stored = file.get_tensor(name)
        for kind in kinds:
            for turned in _turned(stored):
                known.setdefault(_key(turned.to(kind)), []).append(name)
    return [
        name
        for name, tensor in lost.items()
        if not any(
            _equal(turned, tensor)
            for same in known.get(_key(tensor.detach().cpu()), ())
            for turned in _turned(file.get_tensor(same))
        )
    ]


def _turned(stored: Tensor) -> Iterator[Tensor]:
    """A tensor, and its transpose."""
    yield stored
    if stored.dim() == 2:
        yield stored.T


def _key(tensor: Tensor) -> _Key:
    """The shape and the first values, by which equal tensors are found."""
    rows = tensor
    while rows.dim() > 1 and rows.numel():
        rows = rows[: -(-_FIRST // max(rows[0].numel(), 1))].flatten(0, 1)
    return tuple(tensor.shape), tuple(rows.reshape(-1)[:_FIRST].tolist())


def _equal(stored: Tensor, loaded: Tensor) -> bool:
    """True for the same values, in the precision that the policy computes in."""
    here = loaded.detach().cpu()
    return here.shape == stored.shape and bool(torch.equal(stored.to(here.dtype), here))

"""The trained module of a run, read from its folder."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from neuracore_ros.errors import PolicyError, TrainingError
from neuracore_ros.given_path import in_shell
from neuracore_ros.policy.file import PolicyFile
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.torchscript import read
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.prepare import assemble
from neuracore_ros.training.run import Run


def read_run(path: Path) -> tuple[nn.Module, Manifest]:
    """Read the module of a run, eager, so that it can be written as a graph, and its manifest.

    Of a policy.pt on its own the TorchScript is all that there is, and all that can be written.

    Raises:
        TrainingError: The folder holds no run, or one that has not ended.
        PolicyError: There is no such path, or the policy file is none.
    """
    if not path.exists():
        raise PolicyError(f'{path}: no such run or policy file')
    run = Run(path if path.is_dir() else path.parent)
    file = run.policy if path.is_dir() else path
    if path.is_dir():
        run.config()
    if not file.exists():
        raise TrainingError(
            f'{path}: has no {file.name} yet; go on with '
            f'neuracore_ros train --resume {in_shell(path)}'
        )
    if file.suffix != '.pt':
        raise PolicyError(f'{file}: is neither the folder of a run nor a .pt file')
    if file in run.weights:
        raise PolicyError(f'{file}: has only weights; give the folder of its run: {run.path}')
    scripted, manifest = read(PolicyFile.read(file), torch.device('cpu'))
    if (
        file.name not in (run.policy.name, run.last.name)
        or not (run.path / 'config.json').exists()
    ):
        return scripted, manifest
    config = run.config()
    per_robot = config.statistics == 'per-robot'
    statistics = Normalisation.none(manifest, config.relative, per_robot, config.number_format)
    try:
        module = assemble(config, manifest, statistics)
    except TrainingError as error:
        raise TrainingError(f'{file}: {error}') from error
    # TorchScript keeps constants among the weights.
    constants = {name for name, _ in module.named_buffers()} - module.state_dict().keys()
    weights = {k: value for k, value in scripted.state_dict().items() if k not in constants}
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise TrainingError(
            f"{file}: its weights are not those of an '{config.policy}' of this version: it is of "
            f'another run, or of neuracore_ros {manifest.versions.get("neuracore_ros", "unknown")}'
        ) from error
    return module.eval(), manifest

"""The loading of a LeRobot policy, without a network and with all of its weights."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from neuracore_ros.errors import PolicyError, quoted
from neuracore_ros.policy.policy import last_line
from neuracore_ros.serving.lerobot.checkpoint import LerobotCheckpoint
from neuracore_ros.serving.lerobot.weights import require_loaded
from neuracore_ros.similar_names import known_names
from neuracore_ros.wording import few

OLDEST = (0, 6)
"""The version of lerobot from which on its interfaces are those that are used here."""

# Settings without which the weights mean nothing, or that have an option.
_FIXED = ('device', 'input_features', 'n_obs_steps', 'normalization_mapping', 'output_features')
_DEVICE, _TOKENIZER = 'device_processor', 'tokenizer_processor'


@dataclass(frozen=True, slots=True)
class LerobotOptions:
    """The options of inference.

    Attributes:
        device: As torch names it.
        threads: Of one operation; 0 leaves it to torch.
        task: What is to be done, where a request does not say it.
        seed: Of the noise of every prediction; None: another one each time.
        settings: Keys of ``config.json`` -> values in their place.
        tokenizer: A folder in place of the tokenizer that the processor names.
    """

    device: str = 'cpu'
    threads: int = 0
    task: str = ''
    seed: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    tokenizer: str = ''


@dataclass(frozen=True, slots=True)
class LoadedLerobot:
    """A checkpoint as LeRobot has built it.

    Attributes:
        version: Of LeRobot.
        config: The policy's configuration.
        policy: In evaluation, on its device.
        preprocessor: Of what the policy reads.
        postprocessor: Of what it predicts.
    """

    version: str
    config: Any
    policy: Any
    preprocessor: Any
    postprocessor: Any


def load_lerobot(checkpoint: LerobotCheckpoint, options: LerobotOptions) -> LoadedLerobot:
    """Load a policy and both of its processors.

    Raises:
        PolicyError: LeRobot is not installed or too old, knows no such policy, needs what is not
            on this computer, or cannot build the policy of these files.
    """
    version = _require_lerobot()
    _require_device(options.device)
    with _words_to_stderr(), lerobot_errors(checkpoint, options):
        config = _config(checkpoint, options)
        policy, before, after = _built(checkpoint, config, options)
    require_loaded(policy, checkpoint)
    return LoadedLerobot(version, config, policy, before, after)


@contextlib.contextmanager
def lerobot_errors(
    checkpoint: LerobotCheckpoint, options: LerobotOptions, verb: str = 'load'
) -> Iterator[None]:
    """Turn what LeRobot raises into one line."""
    try:
        yield
    except PolicyError:
        raise
    except Exception as error:  # LeRobot and what it builds on raise everything.
        causes = list(_causes(error))
        if any('huggingface.co' in str(each) or 'Repo id' in str(each) for each in causes):
            given = {**options.settings, 'tokenizer_name': options.tokenizer}
            bases = [f'{key}={given.get(key) or of}' for key, of in checkpoint.bases.items()]
            raise PolicyError(
                f'{checkpoint.folder}: needs what is not on this computer, and nothing is '
                f'downloaded: {few(bases, 8) or "its tokenizer or base model"}. Get it by '
                'hf download NAME, or name its folder by --set KEY=DIR and --tokenizer DIR'
            ) from error
        # Of the configuration, what was decoded says more than why it could not be.
        told = next((c for c in causes if type(c).__name__ == 'DecodingError'), causes[-1])
        raise PolicyError(
            f'{checkpoint.folder}: LeRobot cannot {verb} the policy of type {checkpoint.type}: '
            f'{type(told).__name__}: {last_line(told)}'
        ) from error


def _require_lerobot() -> str:
    """The version of lerobot, which asks nobody for what is not on this computer."""
    # Read when its libraries are imported. Who has set them is obeyed.
    os.environ.setdefault('HF_HUB_OFFLINE', '1')
    os.environ.setdefault('TRANSFORMERS_OFFLINE', '1')
    needs = f'needs lerobot {OLDEST[0]}.{OLDEST[1]} or newer in Python >= 3.12: '
    try:
        version = str(importlib.import_module('lerobot').__version__)
    except ImportError as error:
        raise PolicyError(
            f'{needs}install it in an environment of its own (docs/lerobot.md); this is '
            f'{sys.executable} ({last_line(error)})'
        ) from error
    if tuple(int(part) for part in version.split('.')[:2]) < OLDEST:
        raise PolicyError(f'{needs}this is {version} in {sys.executable}')
    return version


def _require_device(name: str) -> None:
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        there = ['cpu', *(f'cuda:{index}' for index in range(torch.cuda.device_count()))]
        raise PolicyError(
            f'device {quoted(name)} is not available; this machine has: {", ".join(there)}'
        ) from error


def _config(checkpoint: LerobotCheckpoint, options: LerobotOptions) -> Any:
    """The policy's configuration, with nothing in it that would be downloaded for training."""
    importlib.import_module('lerobot.policies')  # registers all types
    from lerobot.configs import PreTrainedConfig
    from lerobot.utils.import_utils import register_third_party_plugins

    if checkpoint.type not in PreTrainedConfig.get_known_choices():
        register_third_party_plugins()
    known = PreTrainedConfig.get_known_choices()
    if checkpoint.type not in known:
        raise PolicyError(
            f'{checkpoint.folder}: lerobot here has no policy of type '
            f'{quoted(checkpoint.type)}{known_names(checkpoint.type, known)}'
        )
    own = known[checkpoint.type].__dataclass_fields__
    for key in options.settings:
        if key in _FIXED:
            raise PolicyError(f'--set {key}: belongs to the weights, and cannot be another one')
        if key not in own:
            raise PolicyError(
                f'--set {key}: a policy of type {checkpoint.type} has no such setting'
                f'{known_names(key, own)}'
            )
    words = [f'--{key}={value}' for key, value in options.settings.items()]
    try:
        config = PreTrainedConfig.from_pretrained(
            checkpoint.folder, cli_overrides=[*words, f'--device={options.device}']
        )
    except SystemExit as error:  # its parser's way to say that a value is wrong
        raise PolicyError(
            f'{checkpoint.folder}: config.json does not take --set {" ".join(options.settings)}'
        ) from error
    # Weights of training's beginning: all that counts is in the checkpoint.
    for key, value in (('pretrained_backbone_weights', None), ('load_vlm_weights', False)):
        if hasattr(config, key):
            setattr(config, key, value)
    return config


def _built(
    checkpoint: LerobotCheckpoint, config: Any, options: LerobotOptions
) -> tuple[Any, Any, Any]:
    """The policy, its preprocessor and its postprocessor."""
    from lerobot.policies.factory import get_policy_class, make_pre_post_processors

    before: dict[str, dict[str, str]] = {}
    after: dict[str, dict[str, str]] = {}
    # LeRobot refuses what is given to a step that is not there.
    if _DEVICE in checkpoint.before:
        before[_DEVICE] = {'device': options.device}
    if _DEVICE in checkpoint.after:
        after[_DEVICE] = {'device': 'cpu'}
    if options.tokenizer and _TOKENIZER in checkpoint.before:
        before[_TOKENIZER] = {'tokenizer_name': options.tokenizer}
    folder = str(checkpoint.folder)
    kind = get_policy_class(checkpoint.type)  # Its module registers steps of processors.
    processors = make_pre_post_processors(
        config,
        pretrained_path=folder,
        preprocessor_overrides=before,
        postprocessor_overrides=after,
    )
    return kind.from_pretrained(folder, config=config), *processors


@contextlib.contextmanager
def _words_to_stderr() -> Iterator[None]:
    """Send what LeRobot prints to where messages belong."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _causes(error: Exception) -> Iterator[Exception]:
    """An error, and what it was raised from."""
    seen: BaseException | None = error
    while isinstance(seen, Exception):
        yield seen
        seen = seen.__cause__

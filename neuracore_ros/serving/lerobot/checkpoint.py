"""A checkpoint of a LeRobot policy as its files tell it, checked before LeRobot itself reads them.

It needs no lerobot: what cannot be served is refused in one line, before a step of a processor,
which may be any class of Python, is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from neuracore_ros.bounds import MAX_OBSERVATION_STEPS, MAX_SIDE_PX
from neuracore_ros.errors import PolicyError, quoted, shortened, unreadable
from neuracore_ros.records import Record, read_record
from neuracore_ros.regular_file import open_regular
from neuracore_ros.serving.lerobot.tensor_files import require_whole
from neuracore_ros.wording import few

CONFIG, WEIGHTS, TRAINING = 'config.json', 'model.safetensors', 'train_config.json'
PREPROCESSOR, POSTPROCESSOR = 'policy_preprocessor.json', 'policy_postprocessor.json'
STATE, ACTION, IMAGES = 'observation.state', 'action', 'observation.images.'
TASK = 'task'
"""The text that says what is to be done."""

_PIECE = 1 << 20
_CHANNELS = 3
# Of what one prediction reads; as much as a manifest may ask for.
_MOST_BYTES = 5 * 10**9
# Of a file; some systems raise an error of their own for more than 255 bytes.
_LONGEST_NAME = 200
# Far beyond every robot.
_MOST_NUMBERS = 1 << 16

_NOT_SERVED = {
    'tdmpc': 'plans by its own value function, one action at a time, and has no chunks',
    'gaussian_actor': 'is an actor of reinforcement learning, and has no chunks',
}
# These import Python of the folder that their base model or its tokenizer is in.
_WITH_CODE = {'groot', 'pi0_fast', 'wall_x'}
_STEPS_WITH_CODE = {'action_tokenizer_processor'}
# Of LeRobot's own policies all others read the task.
_WITHOUT_TASK = {'act', 'diffusion', 'vqbet'}


@dataclass(frozen=True, slots=True)
class LerobotCheckpoint:
    """A folder that ``save_pretrained`` of a LeRobot policy wrote.

    Attributes:
        folder: Where its files are.
        type: Of the policy, such as 'act'.
        observation_steps: Newest steps that it reads, T.
        vectors: Feature -> how many numbers it has.
        cameras: Feature -> (height, width) of its image, [px].
        actions: Numbers of one action.
        action_names: Their names, where the checkpoint knows them.
        reads_task: Whether it reads what it is to do.
        dataset: The dataset that it was trained on, '' where that is not known.
        before: Registered names of the steps before the network.
        after: Those of the steps after it.
        bases: Setting -> what it is built on and does not hold: a name of the hub, or a folder.
        statistics: The file of its normaliser's statistics; None without.
        sha256: Of what decides a prediction: what ``sha256sum`` prints of ``config.json``,
            ``model.safetensors`` and ``policy_*``, hashed once more.
    """

    folder: Path
    type: str
    observation_steps: int
    vectors: Mapping[str, int]
    cameras: Mapping[str, tuple[int, int]]
    actions: int
    action_names: tuple[str, ...]
    reads_task: bool
    dataset: str
    before: frozenset[str]
    after: frozenset[str]
    bases: Mapping[str, str]
    statistics: Path | None
    sha256: str


def read_lerobot_checkpoint(path: Path, trust_code: bool = False) -> LerobotCheckpoint:
    """Read what the files of a checkpoint say.

    Args:
        path: The folder with ``config.json``, one that has it in ``pretrained_model``, or the
            folder of a training run, whose last checkpoint is taken.
        trust_code: Whether a policy may be loaded that runs code of its base model.

    Raises:
        PolicyError: A file is missing or damaged, or the policy cannot be served.
    """
    folder = _folder(path)
    config = read_json(folder / CONFIG)
    kind = _type(config)
    if not (folder / WEIGHTS).is_file():
        raise PolicyError(f'{folder}: lacks {WEIGHTS}: was the checkpoint copied whole?')
    require_whole(folder / WEIGHTS)
    before, after = (_steps(folder, name) for name in (PREPROCESSOR, POSTPROCESSOR))
    steps = [*before, *after]
    _refuse_code(config, kind, steps, trust_code)
    vectors, cameras = _inputs(config, _renamed(steps))
    outputs = config.record('output_features')
    if set(outputs) != {ACTION}:
        raise outputs.error(
            f'must be {quoted(ACTION)} alone, is {few(list(outputs), 5) or "none"}'
        )
    names = _names(before)
    return LerobotCheckpoint(
        folder=folder,
        type=kind,
        observation_steps=_observation_steps(config, vectors, cameras),
        vectors=vectors,
        cameras=cameras,
        actions=outputs.record(ACTION).sizes('shape', ('numbers',), _MOST_NUMBERS)[0],
        action_names=_action_names(config, steps),
        reads_task=kind not in _WITHOUT_TASK or 'tokenizer_processor' in names,
        dataset=_dataset(folder),
        before=names,
        after=_names(after),
        bases=dict(_bases(config, steps)),
        statistics=_statistics(folder, steps),
        sha256=_sha256(folder, steps),
    )


def _type(config: Record) -> str:
    """The type of a policy that can be served."""
    kind = config.name('type')
    if kind in _NOT_SERVED:
        raise config.error(f'a policy of type {quoted(kind)} {_NOT_SERVED[kind]}: not served')
    if config.flag('use_peft'):
        raise config.error(
            'is an adapter (use_peft), which is nothing without its base model: merge both by '
            "peft's merge_and_unload, and save the whole policy"
        )
    return kind


def _observation_steps(
    config: Record, vectors: Mapping[str, int], cameras: Mapping[str, tuple[int, int]]
) -> int:
    """The steps that a prediction reads, of as much as fits into a computer."""
    steps = config.count('n_obs_steps', MAX_OBSERVATION_STEPS, default=1)
    pixels = sum(height * width for height, width in cameras.values())
    if (needed := steps * (_CHANNELS * pixels + 4 * sum(vectors.values()))) > _MOST_BYTES:
        raise config.error(f'reads {needed / 1e9:.0f} GB a prediction: is it damaged?')
    return steps


def _folder(path: Path) -> Path:
    """The folder that has ``config.json``."""
    last = Path('checkpoints') / 'last' / 'pretrained_model'
    for inside in (Path(), Path('pretrained_model'), last):
        if (path / inside / CONFIG).is_file():
            return path / inside
    if not path.is_dir():
        known = 'a file' if path.exists() else 'not there'
        raise PolicyError(
            f'{path}: is {known}; give the folder of a checkpoint, such as '
            f'outputs/train/act/{last} (models of the hub: hf download NAME --local-dir FOLDER)'
        )
    raise PolicyError(
        f'{path}: is no checkpoint of LeRobot: it lacks {CONFIG}, and so do its '
        f'pretrained_model and {last}'
    )


def _steps(folder: Path, name: str) -> list[Record]:
    """The steps of a processor, each of which must be one that LeRobot knows by name."""
    path = folder / name
    if not path.is_file():
        raise PolicyError(
            f'{folder}: lacks {name}: older versions of LeRobot kept the normalising inside the '
            'weights; python -m lerobot.processor.migrate_policy_normalization --pretrained-path '
            f'{folder} writes it'
        )
    steps = read_json(path).listed('steps')
    for step in steps:
        if not step.has('registry_name'):
            named = quoted(step.value('class', default=''))
            raise step.error(
                f'names the class {named} and no registry_name: loading it would run any code; '
                'only steps that LeRobot has registered are taken'
            )
        step.name('registry_name')
        if step.has('state_file'):
            state = folder / _state_file(step)
            if not state.is_file():
                raise step.error(f'{state} is missing: copy the whole folder')
            require_whole(state)
    return steps


def _names(steps: list[Record]) -> frozenset[str]:
    return frozenset(step.name('registry_name') for step in steps)


def _state_file(step: Record) -> str:
    """The name of a step's tensors, which lie in the folder itself."""
    name = step.name('state_file')
    if Path(name).name != name or len(name) > _LONGEST_NAME:
        raise step.wrong('state_file', 'the name of a file beside it')
    return name


def _refuse_code(config: Record, kind: str, steps: list[Record], trust_code: bool) -> None:
    """Refuse what imports Python from beside a base model, unless the user trusts it."""
    culprit = f'a policy of type {quoted(kind)}' if kind in _WITH_CODE else ''
    for step in steps:
        name, options = step.name('registry_name'), step.record('config', default={})
        if name in _STEPS_WITH_CODE or options.flag('trust_remote_code'):
            culprit = culprit or f'the step {quoted(name)}'
    if culprit and not trust_code:
        raise config.error(
            f'{culprit} runs code that lies beside its base model or tokenizer: '
            '--trust-remote-code, if you trust their authors'
        )


def _renamed(steps: list[Record]) -> dict[str, str]:
    """The policy's name of an input -> the name before the processor, where both differ."""
    found: dict[str, str] = {}
    for step in steps:
        if step.name('registry_name') == 'rename_observations_processor':
            names = step.record('config', default={}).record('rename_map', default={})
            found |= {names.name(before): before for before in names}
    return found


def _inputs(
    config: Record, renamed: Mapping[str, str]
) -> tuple[dict[str, int], dict[str, tuple[int, int]]]:
    """The features of numbers, and those of images, by their names before the processor."""
    vectors: dict[str, int] = {}
    cameras: dict[str, tuple[int, int]] = {}
    for feature, record in config.record('input_features').records():
        name, kind = renamed.get(feature, feature), record.name('type')
        if kind == 'VISUAL':
            # Stands for a camera that nobody has; the policy itself fills it.
            if '.empty_camera' in feature:
                continue
            channels, height, width = record.sizes(
                'shape', ('channels', 'height', 'width'), MAX_SIDE_PX
            )
            if channels != _CHANNELS:
                raise record.error(f'has {channels} channels; images of {_CHANNELS} are served')
            cameras[name] = height, width
        elif kind in ('STATE', 'ENV'):
            vectors[name] = record.sizes('shape', ('numbers',), _MOST_NUMBERS)[0]
        elif kind != 'LANGUAGE':
            raise record.error(f'is of type {quoted(kind)}, which is not served')
    return vectors, cameras


def _action_names(config: Record, steps: list[Record]) -> tuple[str, ...]:
    """Names of the action's numbers; of LeRobot's policies pi0 and its kin keep them."""
    if config.value('action_feature_names', default=None):
        return config.texts('action_feature_names')
    for step in steps:
        options = step.record('config', default={})
        if options.value('action_names', default=None):
            return options.texts('action_names')
    return ()


def _dataset(folder: Path) -> str:
    """The dataset that the training run names."""
    path = folder / TRAINING
    if not path.is_file():
        return ''
    dataset = read_json(path).record('dataset', default={})
    named = dataset.value('root', default=None) or dataset.value('repo_id', default='')
    return named if isinstance(named, str) else ''


def _bases(config: Record, steps: list[Record]) -> Iterator[tuple[str, str]]:
    for record in (config, *(step.record('config', default={}) for step in steps)):
        for key, value in record.values().items():
            is_name = isinstance(value, str) and '/' in value
            if is_name and key.endswith(('_name', '_path')) and key != 'pretrained_path':
                yield shortened(key), shortened(value)


def _statistics(folder: Path, steps: list[Record]) -> Path | None:
    for step in steps:
        if step.name('registry_name') == 'normalizer_processor' and step.has('state_file'):
            return folder / _state_file(step)
    return None


def _sha256(folder: Path, steps: list[Record]) -> str:
    beside = {path.name for path in folder.glob('policy_*') if path.is_file()}
    beside |= {_state_file(step) for step in steps if step.has('state_file')}
    lines = hashlib.sha256()
    for name in (CONFIG, WEIGHTS, *sorted(beside)):
        try:
            lines.update(f'{_digest(folder / name)}  {name}\n'.encode())
        except OSError as error:
            raise PolicyError(unreadable(folder / name, error)) from error
    return lines.hexdigest()


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with open_regular(path) as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def read_json(path: Path) -> Record:
    """Read a JSON file that a user gave, or that lies in a folder that a user gave.

    Raises:
        PolicyError: It is missing, cannot be read or is no JSON object.
    """
    try:
        return read_record(path, PolicyError)
    except OSError as error:
        raise PolicyError(unreadable(path, error)) from error

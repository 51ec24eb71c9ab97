"""The agreement of a server file with a checkpoint."""

from __future__ import annotations

from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.remote.server_file import OPENPI, ServerFile
from neuracore_ros.policy.remote.server_requests import LAYOUTS, SentImage, SentPart, shown
from neuracore_ros.serving.lerobot.checkpoint import ACTION, TASK, LerobotCheckpoint
from neuracore_ros.similar_names import known_names
from neuracore_ros.wording import counted


def require_fit(file: ServerFile, checkpoint: LerobotCheckpoint, horizon: int) -> None:
    """Require that a server file is one of this checkpoint, before anything is sent.

    Raises:
        PolicyError: It is of another server, sends something else, or has other sizes.
    """
    if file.server != OPENPI:
        raise PolicyError(f'{file.path}: server is {file.server}; of LeRobot it is {OPENPI}')
    if file.horizon != horizon:
        raise PolicyError(
            f'{file.path}: horizon is {file.horizon}; {checkpoint.folder} gives {horizon} rows: '
            f'write horizon: {horizon}'
        )
    steps = checkpoint.observation_steps
    if file.observation_steps != steps:
        wanted = f'[{", ".join(map(str, range(1 - steps, 1)))}]'
        raise PolicyError(
            f'{file.path}: sends {file.observation_steps} observation steps; {checkpoint.folder} '
            f'reads {steps}: write steps: {{images: {wanted}, numbers: {wanted}}}'
        )
    read = [*checkpoint.vectors, *checkpoint.cameras, *([TASK] if checkpoint.reads_task else [])]
    for keys, part in file.send.items():
        if len(keys) > 1 or keys[0] not in read:
            raise PolicyError(
                f"{file.path}: sends '{shown(keys)}', which the policy does not read"
                f'{known_names(shown(keys), read)}'
            )
        _require_part(f'{file.path}: {shown(keys)}', part, checkpoint, keys[0])
    for name in read:
        if (name,) not in file.send and name != TASK:
            raise PolicyError(f"{file.path}: does not send '{name}', which the policy reads")
    for keys, columns in file.receive.items():
        if len(file.receive) > 1 or len(columns) != checkpoint.actions:
            raise PolicyError(
                f'{file.path}: {shown(keys)} has {counted(len(columns), "column")}; the policy '
                f"gives one array, '{ACTION}', of {checkpoint.actions}"
            )


def _require_part(where: str, part: SentPart, checkpoint: LerobotCheckpoint, name: str) -> None:
    """Require what stands at a key of a request to be what the policy reads there."""
    if name in checkpoint.cameras:
        size = list(checkpoint.cameras[name])
        if not isinstance(part, SentImage):
            raise PolicyError(f'{where}: is an image: write {{RGB_IMAGES: 0, size: {size}}}')
        if list(part.size) != size or part.layout != LAYOUTS[0]:
            raise PolicyError(
                f'{where}: is {list(part.size)} {part.layout}; the policy was trained on '
                f'{size} {LAYOUTS[0]}'
            )
    elif name in checkpoint.vectors:
        width = checkpoint.vectors[name]
        if not isinstance(part, tuple) or len(part) != width:
            raise PolicyError(f'{where}: must be a list of {counted(width, "column")}')
    elif isinstance(part, tuple | SentImage):
        raise PolicyError(f'{where}: is a text: write LANGUAGE')

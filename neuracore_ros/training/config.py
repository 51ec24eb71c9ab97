"""The settings of a training run: each with its default and its meaning, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neuracore_ros.control import INTERVENTION
from neuracore_ros.description import DataType
from neuracore_ros.errors import TrainingError
from neuracore_ros.parsers import real, switch, whole
from neuracore_ros.training.settings import (
    counts,
    data_types,
    setting,
    settings,
    several,
    weights,
)

ENCODERS = ('keypoints', 'patches', 'resnet18')
EMBEDDINGS = ('none', 'robot', 'mask')

KINDS = ('mlp', 'act', 'diffusion')

GRAPHS = {'onnx': '.onnx', 'openvino': '.xml', 'pt2': '.pt2'}
"""Format of a policy file that is a graph -> its ending."""

HEAD = 32
"""Features that one head of attention has."""

STEPS = 3000
"""The end of a run that is given none."""

QUATERNIONS, SIX_NUMBERS = 1, 2
"""Formats of the numbers inside a policy; see :attr:`Config.number_format`."""
NEWEST = SIX_NUMBERS

# The headings of `train --help`.
_DATA, _POLICY, _NUMBERS = 'data', 'policy', 'normalising'
_LEARNING, _RUN = 'learning', 'run'


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """The build of a policy; with the manifest it decides every shape of its weights."""

    encoder: str = setting(
        '',
        _POLICY,
        'of images: where 64 features are, four convolutions, or a ResNet-18 for all cameras '
        '(what suits the policy and the images)',
        ENCODERS,
    )
    pretrained: str = setting(
        '',
        _POLICY,
        'weights that a ResNet-18 begins with, whose normalisation then stays as it is: imagenet, '
        "which is fetched once, or torchvision's FILE.pth (none)",
        str,
        metavar='imagenet|FILE',
    )
    embedding: str = setting(
        'mask',
        _POLICY,
        'what the policy reads of its robot: nothing, its number among the trained robots, or '
        'which slots it has',
        EMBEDDINGS,
    )
    width: int = setting(
        256, _POLICY, 'features of a token, of act and diffusion', whole(1, 2**14), metavar='N'
    )
    layers: int = setting(4, _POLICY, 'of their encoder', whole(1, 1000), metavar='N')
    flow_steps: int = setting(
        10, _POLICY, 'from noise to a chunk, of diffusion', whole(1, 1000), metavar='N'
    )
    kl_weight: float = setting(
        10.0,
        _POLICY,
        'of act: how much its latent has to look like noise',
        real(least=0.0),
        metavar='WEIGHT',
    )

    def __post_init__(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            TrainingError: One line that names option and value.
        """
        if self.pretrained and self.encoder not in ('', 'resnet18'):
            raise TrainingError(
                f'--pretrained: for --encoder {self.encoder} there are no weights to begin with; '
                'take resnet18, or leave one of them out'
            )
        if self.width < HEAD or self.width % HEAD:
            near = max(1, round(self.width / HEAD)) * HEAD
            raise TrainingError(
                f'--width must be a multiple of {HEAD}, is {self.width}; take {near}'
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(NetworkOptions):
    """The settings of a run; with the dataset they decide every number of it.

    Attributes:
        dataset: Its folder.
        rows: Of the dataset, so that a resumed run meets the same one; 0 before it was read.
        contents: The dataset's fingerprint, likewise; '' before it was read.
        number_format: The numbers inside the policy, which its weights need: 1, of a run of
            version 0.1: quaternions as they are, and where robots have statistics of their own,
            of all that they measure; 2: a rotation is six numbers, and only joints have them.
    """

    dataset: str

    inputs: tuple[DataType, ...] = setting(
        (), _DATA, 'DataTypes that the policy reads (all)', data_types, metavar='TYPE,...'
    )
    outputs: tuple[DataType, ...] = setting(
        (), _DATA, 'DataTypes that it predicts (all)', data_types, metavar='TYPE,...'
    )
    max_episodes: Mapping[str, int] = setting(
        {},
        _DATA,
        "of a robot's training episodes, only the first N; 0 leaves the robot out (all)",
        counts,
        metavar='ROBOT=N,...',
    )
    weight: Mapping[str, float] = setting(
        {},
        _DATA,
        'how much steps count in the loss that a human commanded in place of the policy, as if '
        'each were there so often (1)',
        weights,
        metavar=f'{INTERVENTION}=W',
    )
    only: str = setting(
        '', _DATA, 'learn from such steps only, and from no other one (all)', (INTERVENTION,)
    )
    drop_before_takeover: float = setting(
        0.0,
        _DATA,
        'leave out what the policy did so shortly before a human took over, [s]',
        real(least=0.0, below=1e6),
        metavar='S',
    )
    balance: bool = setting(
        True,
        _DATA,
        'draw every robot equally often, however many episodes it has; else every step',
        switch,
        opposite='no-balance',
    )
    mask_padding: bool = setting(
        True,
        _DATA,
        'what a robot lacks is no value; off only as a control: padding then counts as zeros',
        switch,
        opposite='no-mask-padding',
    )
    # 0 is right for cameras that stay where they are: a policy without a wrist camera reached
    # 19 of 20 targets, and 6 with 2 px of 64.
    shift: int = setting(
        0, _DATA, 'pixels by which images are moved about', whole(0, 4096), metavar='PIXELS'
    )
    augment: bool = setting(
        False,
        _DATA,
        'whether brightness, contrast and saturation of images are changed at random',
        switch,
        opposite='no-augment',
    )
    occlusions: int = setting(
        0,
        _DATA,
        'blocks of random colour, up to so many, that hide parts of a colour image, as arms do',
        whole(0, 16),
        metavar='N',
    )
    cache: str = setting(
        '',
        _DATA,
        'folder for decoded images, for all runs, or none (NEURACORE_ROS_CACHE, or '
        '~/.cache/neuracore_ros)',
        str,
        metavar='DIR',
        changeable=True,
    )

    policy: str = setting('mlp', _POLICY, 'kind of policy', KINDS)
    horizon: int = setting(
        0,
        _POLICY,
        'steps that it predicts (as many as a second has)',
        whole(1, 10_000),
        metavar='STEPS',
    )
    observation_steps: int = setting(
        1, _POLICY, 'newest steps that it reads', whole(1, 1000), metavar='STEPS'
    )
    # Relative ones are next to nothing wherever the goal is, so that images matter little:
    # of 50 targets in the overhead camera only, a policy reached 2, and all with absolute.
    relative: bool = setting(
        False,
        _POLICY,
        'predict joint targets and poses relative to what is measured, inside the policy; or '
        'absolute',
        switch,
        opposite='absolute',
    )
    statistics: str = setting(
        'per-robot',
        _NUMBERS,
        'of joints: of each robot its own, or of all',
        ('pooled', 'per-robot'),
    )
    normalise: str = setting(
        'mean-std', _NUMBERS, 'what becomes 0 and 1', ('mean-std', 'min-max', 'quantiles')
    )

    batch: int = setting(64, _LEARNING, 'rows of a step', whole(1, 10**6), metavar='ROWS')
    learning_rate: float = setting(
        1e-3, _LEARNING, 'at its highest', real(above=0.0), metavar='RATE'
    )
    schedule: str = setting(
        'cosine', _LEARNING, 'of the learning rate, to 0 at the end or not', ('cosine', 'constant')
    )
    warmup: int = setting(
        100, _LEARNING, 'first steps in which the learning rate rises', whole(0), metavar='STEPS'
    )
    clip: float = setting(
        1.0,
        _LEARNING,
        'norm above which gradients are cut; 0: never',
        real(least=0.0),
        metavar='NORM',
    )
    ema: float = setting(
        0.995,
        _LEARNING,
        'the policy has averaged weights, and each step keeps this share of the average; 0: those '
        'of the last step',
        real(least=0.0, below=1.0),
        metavar='DECAY',
    )
    # bfloat16 is twice as fast as float32 where the processor has it; losses stay in float32.
    precision: str = setting(
        'bfloat16',
        _LEARNING,
        'of what is computed inside; weights stay float32',
        ('float32', 'bfloat16', 'float16'),
    )
    seed: int = setting(
        0,
        _LEARNING,
        'of weights, split, batches and all that is random',
        whole(0, 2**32),
        metavar='N',
    )
    init: str = setting(
        '',
        _LEARNING,
        'begin with the weights of a trained run, and with its policy and normalising; for one '
        'more robot, few episodes suffice (random weights)',
        str,
        metavar='RUN',
    )

    steps: int | None = setting(
        None,
        _RUN,
        f'when to end ({STEPS}); 0 exports the untrained policy',
        whole(0),
        metavar='N',
        changeable=True,
    )
    minutes: float | None = setting(
        None,
        _RUN,
        'when to end, whichever of the two comes first (never)',
        real(above=0.0, below=1e9),
        metavar='N',
        changeable=True,
    )
    device: str = setting(
        '',
        _RUN,
        'cpu, cuda or cuda:N (a GPU if there is one)',
        str,
        metavar='DEVICE',
        changeable=True,
    )
    threads: int = setting(
        0,
        _RUN,
        'processor threads (as many as torch takes); another number, other rounding',
        whole(0, 1024),
        metavar='N',
        changeable=True,
    )

    also: tuple[str, ...] = setting(
        (),
        _RUN,
        f'formats of further policy files to write beside policy.pt: {", ".join(GRAPHS)} (none)',
        several(*GRAPHS),
        metavar='FORMAT,...',
        changeable=True,
    )

    rows: int = 0
    contents: str = ''
    number_format: int = NEWEST


SETTINGS = settings(Config)
"""Field of :class:`Config` -> how it is given."""

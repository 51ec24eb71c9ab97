"""What a user may choose of how a policy is built."""

from __future__ import annotations

from dataclasses import dataclass

from neuracore_ros.errors import TrainingError
from neuracore_ros.training.settings import real, setting, whole

ENCODERS = ('keypoints', 'patches', 'resnet18')
EMBEDDINGS = ('none', 'robot', 'mask')

_GROUP = 'policy'


@dataclass(frozen=True, slots=True)
class Options:
    """How a policy is built; with the manifest it decides every shape of its weights."""

    encoder: str = setting(
        '',
        _GROUP,
        'of images: where 64 features are, four convolutions, or a ResNet-18 for all cameras '
        '(what suits the policy and the images)',
        ENCODERS,
    )
    pretrained: str = setting(
        '',
        _GROUP,
        'weights that a ResNet-18 begins with, whose normalisation then stays as it is: imagenet, '
        "which is fetched once, or torchvision's FILE.pth (none)",
        str,
        metavar='imagenet|FILE',
    )
    embedding: str = setting(
        'mask',
        _GROUP,
        'what the policy is told of the robot: nothing, which of those that it was trained on it '
        'is, or which slots it has',
        EMBEDDINGS,
    )
    width: int = setting(
        256, _GROUP, 'features of a token, of act and diffusion', whole(1, 2**14), metavar='N'
    )
    layers: int = setting(4, _GROUP, 'of their encoder', whole(1, 1000), metavar='N')
    flow_steps: int = setting(
        10, _GROUP, 'from noise to a chunk, of diffusion', whole(1, 1000), metavar='N'
    )
    kl_weight: float = setting(
        10.0,
        _GROUP,
        'of act: how much its latent has to look like noise',
        real(least=0.0),
        metavar='WEIGHT',
    )

    def __post_init__(self) -> None:
        """Refuse what does not go together.

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


HEAD = 32
"""Features that one head of attention sees."""

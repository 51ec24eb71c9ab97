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
        256, _GROUP, 'features of a token, of act and diffusion', whole(1), metavar='N'
    )
    layers: int = setting(4, _GROUP, 'of their encoder', whole(1), metavar='N')
    flow_steps: int = setting(
        10, _GROUP, 'from noise to a chunk, of diffusion', whole(1), metavar='N'
    )
    kl_weight: float = setting(
        10.0,
        _GROUP,
        'of act: how much its latent has to look like noise',
        real(least=0.0),
        metavar='WEIGHT',
    )

    def __post_init__(self) -> None:
        """Refuse what there is not.

        Raises:
            TrainingError: One line that names option and value.
        """
        _choice('encoder', self.encoder, ('', *ENCODERS))
        _choice('embedding', self.embedding, EMBEDDINGS)
        if self.pretrained and self.encoder not in ('', 'resnet18'):
            raise TrainingError(
                f"pretrained: encoder '{self.encoder}' has no weights to begin with; it is for "
                'resnet18'
            )
        if self.width < HEAD or self.width % HEAD:
            raise TrainingError(f'width must be a multiple of {HEAD}, is {self.width}')
        for name in ('layers', 'flow_steps'):
            if getattr(self, name) < 1:
                raise TrainingError(f'{name} must be at least 1, is {getattr(self, name)}')


HEAD = 32
"""Features that one head of attention sees."""


def _choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        there = ', '.join(word for word in known if word)
        raise TrainingError(f"{name} must be one of {there}, is '{value}'")

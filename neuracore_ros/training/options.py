"""What a user may choose of how a policy is built."""

from __future__ import annotations

from dataclasses import dataclass

from neuracore_ros.errors import TrainingError

ENCODERS = ('keypoints', 'patches', 'resnet18')
EMBEDDINGS = ('none', 'robot', 'mask')


@dataclass(frozen=True, slots=True)
class Options:
    """How a policy is built; with the manifest it decides every shape of its weights.

    Attributes:
        encoder: Of images: 'keypoints' (where 64 features are), 'patches' (four convolutions),
            'resnet18', or '': what suits the policy and the images.
        pretrained: Whether a ResNet is built to take weights that were trained on ImageNet: its
            normalisation is then theirs and does not change.
        embedding: What a policy is told of the robot: 'none'; 'robot': which of those that it
            was trained on; 'mask': which slots it has.
        width: Features of a token of 'act' and 'diffusion', D.
        layers: Of their encoder.
        flow_steps: From noise to a chunk, of 'diffusion'.
        kl_weight: Of 'act': how much its latent has to look like noise.
    """

    encoder: str = ''
    pretrained: bool = False
    embedding: str = 'mask'
    width: int = 256
    layers: int = 4
    flow_steps: int = 10
    kl_weight: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what there is not.

        Raises:
            TrainingError: One line that names option and value.
        """
        _choice('encoder', self.encoder, ('', *ENCODERS))
        _choice('embedding', self.embedding, EMBEDDINGS)
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

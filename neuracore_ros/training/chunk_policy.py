"""What training asks of a policy."""

from typing import NamedTuple

from torch import Tensor, nn

from neuracore_ros.training.loss import Losses


class Example(NamedTuple):
    """What is learnt from at once: B rows.

    Attributes:
        inputs: As a policy's ``forward`` takes them.
        valid: Likewise.
        targets: DataType -> absolute values that were recorded, (B, H, W).
        target_valid: Which of them count, (B, H, W).
    """

    inputs: dict[str, Tensor]
    valid: dict[str, Tensor]
    targets: dict[str, Tensor]
    target_valid: dict[str, Tensor]


class ChunkPolicy(nn.Module):
    """A module that predicts by DESIGN 7's ``forward``, and knows what to minimise to learn it.

    Attributes:
        inpaints: Whether it reads a plan in force, and continues it.
    """

    inpaints = False

    def loss(self, example: Example) -> Losses:
        """What is minimised on one batch.

        What is drawn at random comes from torch's own generator.

        Returns:
            Name -> term, over valid entries only.
        """
        raise NotImplementedError

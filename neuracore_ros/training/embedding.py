"""What a policy is told of the robot that it is on, beyond its numbers and images."""

import torch
from torch import Tensor, nn

from neuracore_ros.policy.further import ROBOT
from neuracore_ros.policy.manifest import Manifest

HIDDEN = 128


class RobotEmbedding(nn.Module):
    """One vector for each row of a batch; without any knowledge of the robot, the same one.

    Args:
        manifest: Of the policy.
        kind: 'none'; 'robot': learnt for each robot of the manifest's index, and for one never
            seen; 'mask': computed from which slots there are.
        size: Of the vector, D.
    """

    def __init__(self, manifest: Manifest, kind: str, size: int) -> None:
        super().__init__()
        self.names = [each.value for each in manifest.input]
        # TorchScript sees attributes, and no constants of the file.
        self.robot = ROBOT
        self.by_robot = kind == 'robot'
        # Row 0 is of a robot that was never seen; the sampler tells so now and then.
        robots = len(manifest.robot_index) if self.by_robot else 0
        self.robots = nn.Embedding(1 + robots, size)
        # Zero before it learns: a random vector drowns what is observed for hundreds of steps.
        nn.init.zeros_(self.robots.weight)
        slots = sum(each.width for each in manifest.input.values())
        self.masks: nn.Module | None = None
        if kind == 'mask':
            last = nn.Linear(HIDDEN, size)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.masks = nn.Sequential(nn.Linear(slots, HIDDEN), nn.GELU(), last)

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> Tensor:
        """Vectors (B, D)."""
        has = torch.cat([valid[name] for name in self.names], 1)
        row = torch.zeros(has.shape[0], dtype=torch.long, device=has.device)
        if self.by_robot and self.robot in inputs:
            row = inputs[self.robot] + 1
        found: Tensor = self.robots(row)
        if self.masks is not None:
            found = found + self.masks(has.float())
        return found

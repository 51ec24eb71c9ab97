"""Two ways to give arms one policy: slots of joints, and slots of poses."""

from dataclasses import dataclass
from pathlib import Path

from neuracore_ros.description.shipped import shipped

TRAINED_ON = ('franka', 'ur5')
NEVER_SEEN = ('so100',)


@dataclass(frozen=True, slots=True)
class SlotChoice:
    """A choice of what the slots of a policy hold; the recordings are the same.

    Attributes:
        name: A driver of trials, and the folder of what is made for it.
        title: For people.
        heading: Of the table of its slots.
        together: The shipped file that lists the robots trained on.
        ending: Of a robot's name and file.
        image_size: Of the dataset, width x height: the shape of its cameras' pictures [px].
    """

    name: str
    title: str
    heading: str
    together: str
    ending: str
    image_size: str

    def robot(self, arm: str) -> str:
        """The robot that an arm is in these slots."""
        return arm + self.ending

    def robot_file(self, arm: str) -> Path:
        """The shipped robot file of an arm in these slots."""
        return shipped(self.robot(arm))

    def files(self) -> list[Path]:
        """The robot files of all arms: first those trained on."""
        return [shipped(self.together), *map(self.robot_file, NEVER_SEEN)]


JOINTS = SlotChoice(
    name='joints',
    title='joint slots',
    heading='Joint slots: joints that do the same share an index',
    together='franka_ur5',
    ending='',
    image_size='64x48',
)
POSES = SlotChoice(
    name='poses',
    title='pose slots',
    heading='Pose slots: where the hand is, in reaches of the arm',
    together='franka_ur5_hands',
    ending='_hand',
    image_size='64x36',
)

DRIVERS = {'expert': 'expert', **{slots.name: slots.title for slots in (JOINTS, POSES)}}
"""Who drives a robot in trials -> the heading of a table."""

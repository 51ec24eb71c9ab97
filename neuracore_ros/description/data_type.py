"""The kinds of data that a robot can have, in their canonical order."""

import warnings
from enum import Enum
from functools import cached_property

from neuracore_ros.errors import DescriptionWarning

POSE_COMPONENTS = ('x', 'y', 'z', 'qx', 'qy', 'qz', 'qw')
"""The numbers of a slot that holds a pose: metres, and a unit quaternion."""

TEXT_BYTES = 256
"""Length of a text in a policy's input, [bytes] of UTF-8; shorter ones end in zeros."""


class DataType(str, Enum):
    """One kind of data; the names and their order are those of ``neuracore_types``.

    What it is, is asked many times at each step, so that each kind works it out once.
    """

    JOINT_POSITIONS = 'JOINT_POSITIONS'
    JOINT_VELOCITIES = 'JOINT_VELOCITIES'
    JOINT_TORQUES = 'JOINT_TORQUES'
    JOINT_TARGET_POSITIONS = 'JOINT_TARGET_POSITIONS'
    VISUAL_JOINT_POSITIONS = 'VISUAL_JOINT_POSITIONS'
    PARALLEL_GRIPPER_OPEN_AMOUNTS = 'PARALLEL_GRIPPER_OPEN_AMOUNTS'
    PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS = 'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS'
    END_EFFECTOR_POSES = 'END_EFFECTOR_POSES'
    POSES = 'POSES'
    CUSTOM_1D = 'CUSTOM_1D'
    RGB_IMAGES = 'RGB_IMAGES'
    DEPTH_IMAGES = 'DEPTH_IMAGES'
    POINT_CLOUDS = 'POINT_CLOUDS'
    LANGUAGE = 'LANGUAGE'

    __str__ = str.__str__

    @cached_property
    def is_image(self) -> bool:
        """True if a slot holds an image."""
        return self in {DataType.RGB_IMAGES, DataType.DEPTH_IMAGES}

    @cached_property
    def is_pose(self) -> bool:
        """True if a slot holds a pose, the seven numbers of ``POSE_COMPONENTS``."""
        return self in {DataType.END_EFFECTOR_POSES, DataType.POSES}

    @cached_property
    def is_gripper(self) -> bool:
        """True if a slot holds a gripper's opening, 0 closed to 1 open."""
        return self.name.startswith('PARALLEL_GRIPPER_')

    @cached_property
    def is_numeric(self) -> bool:
        """True if a slot holds a number or a pose, which concatenate to a state vector."""
        return self.is_pose or self.is_gripper or 'JOINT_' in self.name or self.name == 'CUSTOM_1D'

    @property
    def dtype(self) -> str:
        """NumPy's word for what a slot is made of, in observations, batches and policies."""
        return 'uint8' if self in {DataType.RGB_IMAGES, DataType.LANGUAGE} else 'float32'

    def slot_shape(
        self, image_size: tuple[int, int] = (0, 0), text_bytes: int = TEXT_BYTES
    ) -> tuple[int, ...]:
        """Shape of one slot: () where it is one number.

        Args:
            image_size: (height, width) of images, [px].
            text_bytes: Length of a text, [bytes].
        """
        if self is DataType.RGB_IMAGES:
            return (*image_size, 3)
        if self is DataType.DEPTH_IMAGES:
            return image_size
        if self is DataType.LANGUAGE:
            return (text_bytes,)
        return (len(POSE_COMPONENTS),) if self.is_pose else ()

    @property
    def is_commandable(self) -> bool:
        """True for what a robot can be told."""
        return self.is_position or self in {
            DataType.JOINT_VELOCITIES,
            DataType.JOINT_TORQUES,
            DataType.END_EFFECTOR_POSES,
            DataType.CUSTOM_1D,
        }

    @cached_property
    def is_position(self) -> bool:
        """True for positions of joints and grippers, measured or commanded."""
        return self.is_gripper or self.measured is DataType.JOINT_POSITIONS

    @cached_property
    def is_target(self) -> bool:
        """True for a command, which holds until it is replaced and never ages."""
        return '_TARGET_' in self.name

    @cached_property
    def measured(self) -> 'DataType':
        """The type in which a robot reports what it does about a command of this type."""
        return DataType(self.name.replace('_TARGET_', '_'))


# Other spellings of the public design notes and of neuracore's own releases.
_ALIASES = {
    'JOINTS': DataType.JOINT_POSITIONS,
    'GRIPPER_JOINT_OPEN_AMOUNT': DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS,
    'GRIPPER_OPEN_AMOUNTS': DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS,
}


def data_type(name: str) -> DataType:
    """The DataType of this name; the notes' other spellings are read with a warning.

    Raises:
        KeyError: No DataType is spelt so.
    """
    upper = name.upper()
    found = _ALIASES.get(upper) or DataType.__members__[upper]
    if name != found.value:
        warnings.warn(f"'{name}' is read as {found}; write {found}", DescriptionWarning, 2)
    return found

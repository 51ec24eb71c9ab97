"""Poses: seven numbers x y z qx qy qz qw, the same for equal poses, whatever came before."""

import math
from collections.abc import Sequence
from typing import Any

from neuracore_ros.description import Source
from neuracore_ros.description.named_numbers import ODOMETRY
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.kinematics.poses import Pose, signed_pose
from neuracore_ros.observation.faults import FaultKind
from neuracore_ros.observation.numbers import LARGEST
from neuracore_ros.observation.samples import Sample
from neuracore_ros.observation.streams import Channel, Stream

# As tf2 has it: rounding stays far below, and what is off by more means no rotation.
_NORM_TOLERANCE = 0.01


class PoseError(Exception):
    """Numbers that are no pose, with the kind of refusal."""

    def __init__(self, kind: FaultKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def read_pose(position: Any, orientation: Any) -> Pose:
    """Read the pose in a geometry_msgs Point or Vector3 and Quaternion, with the sign chosen.

    Raises:
        PoseError: A number is not finite, or the quaternion's length is not 1.
    """
    x, y, z = position.x, position.y, position.z
    a, b, c, d = orientation.x, orientation.y, orientation.z, orientation.w
    if not all(-LARGEST <= number <= LARGEST for number in (x, y, z, a, b, c, d)):
        raise PoseError('not_finite', f'the pose is {[x, y, z, a, b, c, d]}')
    norm = math.sqrt(a * a + b * b + c * c + d * d)
    if abs(norm - 1.0) > _NORM_TOLERANCE:
        raise PoseError('malformed', f'no unit quaternion: {[a, b, c, d]} has length {norm:g}')
    return signed_pose((x, y, z, a / norm, b / norm, c / norm, d / norm))


def scaled(pose: Pose, scale: float) -> Pose:
    """Multiply the position of a pose."""
    x, y, z, *turn = pose
    a, b, c, d = turn
    return (x * scale, y * scale, z * scale, a, b, c, d) if scale != 1.0 else pose


class PoseReader:
    """Conversion of the poses that a topic gives to those of a slot.

    Of a chain's name, a topic gives the pose of its tip in its base. The position is scaled.
    """

    def __init__(self, source: Source):
        self._scale = source.scale
        self._kinematics = ChainKinematics(source.chain) if source.chain else None

    def __call__(self, pose: Pose) -> Pose:
        """Return the pose of the slot."""
        if self._kinematics is not None:
            x, y, z, a, b, c, d = self._kinematics.from_tip(pose).tolist()
            pose = x, y, z, a, b, c, d
        return scaled(pose, self._scale)


class PoseStream(Stream):
    """Stream of the names that read one topic of PoseStamped or Odometry."""

    def __init__(self, sources: Sequence[Source]):
        super().__init__(sources)
        self._is_odometry = sources[0].type == ODOMETRY
        self.channels = tuple(Channel(self, source) for source in sources)
        self._readers = tuple(PoseReader(source) for source in sources)

    def _take(self, message: Any, stamp_ns: int, receive_ns: int) -> bool:
        # An Odometry has its pose within another one, with a covariance.
        held = message.pose.pose if self._is_odometry else message.pose
        try:
            pose = read_pose(held.position, held.orientation)
        except PoseError as error:
            self.refuse(error.kind, receive_ns, str(error))
            return False
        frame = message.header.frame_id.lstrip('/')
        refused: set[FaultKind] = set()
        taken = False
        for channel, read in zip(self.channels, self._readers, strict=True):
            if channel.source.parent not in ('', frame):
                text = f"poses are given in '{frame[:60]}', not in '{channel.source.parent}'"
                refused.add(channel.refuse('malformed', receive_ns, text))
            elif not channel.is_newer(stamp_ns, receive_ns):
                refused.add(channel.refuse_old(stamp_ns, receive_ns))
            else:
                channel.keep(Sample(stamp_ns, receive_ns, read(pose)))
                taken = True
        self.drops.update(refused)
        return taken

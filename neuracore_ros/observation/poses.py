"""Poses: seven numbers x y z qx qy qz qw, the same for equal poses, whatever came before."""

import math
from collections.abc import Sequence
from typing import Any

from neuracore_ros.description import Source
from neuracore_ros.description.named_numbers import ODOMETRY
from neuracore_ros.kinematics.chain import from_tip
from neuracore_ros.kinematics.poses import Pose, signed_pose
from neuracore_ros.kinematics.rotations import NORM_TOLERANCE
from neuracore_ros.observation.faults import FaultKind
from neuracore_ros.observation.numbers import LARGEST
from neuracore_ros.observation.samples import Sample
from neuracore_ros.observation.streams import Channel, Stream


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
    if abs(norm - 1.0) > NORM_TOLERANCE:
        raise PoseError('malformed', f'no unit quaternion: {[a, b, c, d]} has length {norm:g}')
    return signed_pose((x, y, z, a / norm, b / norm, c / norm, d / norm))


def scaled(pose: Pose, scale: float) -> Pose:
    """Multiply the position of a pose."""
    x, y, z, *turn = pose
    a, b, c, d = turn
    return (x * scale, y * scale, z * scale, a, b, c, d) if scale != 1.0 else pose


def slot_pose(source: Source, pose: Pose) -> Pose:
    """Convert a pose that a topic gives to that of the slot which a source fills.

    Of a chain's name, a topic gives the pose of its tip in its base. The position is scaled.
    """
    if source.chain is not None:
        x, y, z, a, b, c, d = from_tip(source.chain, pose).tolist()
        pose = x, y, z, a, b, c, d
    return scaled(pose, source.scale)


class PoseStream(Stream):
    """Stream of the names that read one topic of PoseStamped or Odometry."""

    def __init__(self, sources: Sequence[Source]):
        super().__init__(sources)
        self._is_odometry = sources[0].type == ODOMETRY
        self.channels = tuple(Channel(self, source) for source in sources)

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
        for channel in self.channels:
            if channel.source.parent not in ('', frame):
                text = f"poses are given in '{frame[:60]}', not in '{channel.source.parent}'"
                refused.add(channel.refuse('malformed', receive_ns, text))
            elif not channel.is_newer(stamp_ns, receive_ns):
                refused.add(channel.refuse_old(stamp_ns, receive_ns))
            else:
                own = slot_pose(channel.source, pose)
                channel.keep(Sample(stamp_ns, receive_ns, own))
                taken = True
        self.drops.update(refused)
        return taken

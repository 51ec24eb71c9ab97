"""Poses: seven numbers x y z qx qy qz qw, the same for equal poses, whatever came before."""

import math
from collections.abc import Sequence
from typing import Any

from neuracore_ros.description import Source
from neuracore_ros.observation.faults import FaultKind
from neuracore_ros.observation.numbers import LARGEST
from neuracore_ros.observation.samples import Sample
from neuracore_ros.observation.streams import Channel, Stream

Pose = tuple[float, float, float, float, float, float, float]
"""x y z [m], qx qy qz qw (a unit quaternion)."""

# As tf2 has it: rounding stays far below, and what is off by more means no rotation.
_NORM_TOLERANCE = 0.01

# Of the two quaternions of a rotation, the one on this side is taken. With w >= 0 the sign would
# flicker wherever a tool points straight down (w is 0, give or take noise). This side's border
# stays 11 degrees away from all rotations by multiples of 90 degrees about the axes.
_SIDE = (9.243, 2.414, 1.0, 3.828)


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
    return signed((x, y, z, a / norm, b / norm, c / norm, d / norm))


def signed(pose: Pose) -> Pose:
    """Choose that one of a pose's two quaternions that is taken everywhere."""
    x, y, z, a, b, c, d = pose
    if a * _SIDE[0] + b * _SIDE[1] + c * _SIDE[2] + d * _SIDE[3] < 0.0:
        return x, y, z, -a, -b, -c, -d
    return pose


def compose(outer: Pose, inner: Pose) -> Pose:
    """Compose two poses: the inner one is given in the frame of the outer one."""
    x, y, z, a, b, c, d = outer
    u, v, w, e, f, g, h = inner
    # Rodrigues: v + 2 d (q x v) + 2 q x (q x v)
    s, t, r = 2 * (b * w - c * v), 2 * (c * u - a * w), 2 * (a * v - b * u)
    return (
        x + u + d * s + b * r - c * t,
        y + v + d * t + c * s - a * r,
        z + w + d * r + a * t - b * s,
        d * e + a * h + b * g - c * f,
        d * f - a * g + b * h + c * e,
        d * g + a * f - b * e + c * h,
        d * h - a * e - b * f - c * g,
    )


def invert(pose: Pose) -> Pose:
    """Invert a pose: the outer frame in the inner one."""
    x, y, z, a, b, c, d = pose
    turned = compose((0.0, 0.0, 0.0, -a, -b, -c, d), (-x, -y, -z, 0.0, 0.0, 0.0, 1.0))
    return (*turned[:3], -a, -b, -c, d)


class PoseStream(Stream):
    """Stream of the names that read one PoseStamped topic."""

    def __init__(self, sources: Sequence[Source]):
        super().__init__(sources)
        self.channels = tuple(Channel(self, source) for source in sources)

    def _take(self, message: Any, stamp_ns: int, receive_ns: int) -> bool:
        try:
            pose = read_pose(message.pose.position, message.pose.orientation)
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
                channel.keep(Sample(stamp_ns, receive_ns, pose))
                taken = True
        self.drops.update(refused)
        return taken

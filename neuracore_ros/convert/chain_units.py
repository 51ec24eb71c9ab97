"""Joints of chains in another unit than the URDF's, of which no pose can be right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from neuracore_ros.description import Robot
from neuracore_ros.description.chain_scales import other_unit_of_joints
from neuracore_ros.observation.chains import ChainChannel
from neuracore_ros.observation.streams import Stream


class ChainUnits:
    """The joints of a recording's chains, held against their limits.

    Chains that are only read have no limits, and are not judged.

    Args:
        robot: Whose chains they are.
        streams: That observe it, before the first message.
    """

    def __init__(self, robot: Robot, streams: Sequence[Stream]) -> None:
        self._robot = robot
        channels = (channel for stream in streams for channel in stream.channels)
        self._channels = [each for each in channels if isinstance(each, ChainChannel)]

    def doubts(self) -> Iterator[str]:
        """Say of each chain that is in another unit which one that may be, a line each."""
        limits = {joint: limit for (_, joint), limit in self._robot.limits.items()}
        for channel in self._channels:
            joints, source = channel.chain.joints, channel.source
            if all(joint in limits for joint in joints):
                text = other_unit_of_joints(
                    channel.chain,
                    np.array(channel.positions).reshape(-1, len(joints)),
                    [limits[joint] for joint in joints],
                    f'{source.section}: {source.data_type}',
                )
                yield from [text] if text else []

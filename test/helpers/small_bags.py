"""Small recordings, written by the tests that read them."""

from pathlib import Path

import numpy as np
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Ros2Writer
from rosbags.typesys import Stores, get_typestore

S = 1_000_000_000
START = 1_700_000_000 * S
FORMATS = ('mcap', 'sqlite3', 'ros1')
ROS2 = get_typestore(Stores.ROS2_JAZZY)
ROS1 = get_typestore(Stores.ROS1_NOETIC)


def at(seconds):
    """Log time so many seconds after the start, in nanoseconds."""
    return START + round(seconds * S)


def write_bag(path, messages, kind='mcap'):
    """Write (topic, message, log time) in the order of their log times."""
    messages = sorted(messages, key=lambda item: item[2])
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    if kind == 'ros1':
        writer, store = Ros1Writer(path), ROS1
        serialize = store.serialize_ros1
    else:
        plugin = StoragePlugin.MCAP if kind == 'mcap' else StoragePlugin.SQLITE3
        writer, store = Ros2Writer(path, version=9, storage_plugin=plugin), ROS2
        serialize = store.serialize_cdr
    with writer:
        connections = {}
        for topic, message, log_ns in messages:
            name = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, name, typestore=store)
            writer.write(connections[topic], log_ns, serialize(message, name))
    return Path(path)


class Messages:
    """Message constructors of one ROS generation."""

    def __init__(self, kind='mcap'):
        self.ros1 = kind == 'ros1'
        self.types = (ROS1 if self.ros1 else ROS2).types

    def header(self, stamp_ns):
        stamp = self.types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, S))
        first = {'seq': 0} if self.ros1 else {}
        return self.types['std_msgs/msg/Header'](**first, stamp=stamp, frame_id='')

    def joints(self, stamp_ns, **positions):
        nothing = np.zeros(0)
        return self.types['sensor_msgs/msg/JointState'](
            self.header(stamp_ns),
            list(positions),
            np.array(list(positions.values()), float),
            nothing,
            nothing,
        )

    def trajectory(self, stamp_ns, points, names):
        """``points``: (seconds from start, positions)."""
        duration = self.types['builtin_interfaces/msg/Duration']
        nothing = np.zeros(0)
        return self.types['trajectory_msgs/msg/JointTrajectory'](
            self.header(stamp_ns),
            list(names),
            [
                self.types['trajectory_msgs/msg/JointTrajectoryPoint'](
                    np.array(positions, float),
                    nothing,
                    nothing,
                    nothing,
                    duration(*divmod(round(seconds * S), S)),
                )
                for seconds, positions in points
            ],
        )

    def pose(self, stamp_ns, position, quaternion):
        pose = self.types['geometry_msgs/msg/Pose'](
            self.types['geometry_msgs/msg/Point'](*position),
            self.types['geometry_msgs/msg/Quaternion'](*quaternion),
        )
        return self.types['geometry_msgs/msg/PoseStamped'](self.header(stamp_ns), pose)

    def image(self, stamp_ns, pixels):
        """``pixels``: uint8 (h, w, 3), RGB."""
        height, width, _ = pixels.shape
        return self.types['sensor_msgs/msg/Image'](
            self.header(stamp_ns), height, width, 'rgb8', 0, width * 3, pixels.reshape(-1)
        )

    def string(self, text):
        return self.types['std_msgs/msg/String'](text)

"""Small robots for drafts: URDFs of a few joints, and recordings of them."""

from pathlib import Path

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

START_NS = 1_700_000_000 * 10**9
STORE = get_typestore(Stores.ROS2_JAZZY)
TYPES = STORE.types
_JPEG = cv2.imencode('.jpg', np.zeros((2, 2, 3), np.uint8))[1].ravel()


def joint(
    name, axis='0 0 1', kind='revolute', xyz='0 0 0.1', after='', limit=(-2.0, 2.0), more=''
):
    """A joint of a URDF; links are called after the joint that moves them."""
    lower, upper = limit
    bounds = f'<limit lower="{lower}" upper="{upper}" velocity="1.5" effort="1"/>'
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{after or "base"}"/>'
        f'<child link="{name}"/><origin xyz="{xyz}" rpy="0 0 0"/><axis xyz="{axis}"/>'
        f'{"" if kind == "fixed" else bounds}{more}</joint>'
    )


def chain(*rows):
    """Joints of an arm: name, axis, place and limits of each."""
    after, drawn = '', []
    for name, axis, xyz, limit in rows:
        drawn.append(joint(name, axis, xyz=xyz, after=after, limit=limit))
        after = name
    return drawn


def urdf(*joints, name='arm'):
    return f'<robot name="{name}"><link name="base"/>{"".join(joints)}</robot>'


# Written tip first, as exporters do; the elbow turns the other way than the shoulder.
THREE = urdf(
    joint('finger_b', '0 1 0', 'prismatic', '0.1 0 0', 'roll', more='<mimic joint="finger_a"/>'),
    joint('finger_a', '0 1 0', 'prismatic', '0.1 0 0', 'roll', limit=(0.0, 0.04)),
    joint('roll', '1 0 0', xyz='0.3 0 0', after='elbow'),
    joint('elbow', '0 -1 0', xyz='0.3 0 0', after='lift'),
    joint('lift', '0 1 0', after='pan'),
    joint('pan', '0 0 1'),
)


def _header(seconds):
    stamp = TYPES['builtin_interfaces/msg/Time'](*divmod(START_NS + round(seconds * 1e9), 10**9))
    return TYPES['std_msgs/msg/Header'](stamp=stamp, frame_id='')


def state(seconds, names, positions):
    nothing = np.zeros(0)
    values = np.array(positions, float)
    kind = TYPES['sensor_msgs/msg/JointState']
    return kind(_header(seconds), list(names), values, nothing, nothing)


def trajectory(seconds, names, positions):
    nothing = np.zeros(0)
    duration = TYPES['builtin_interfaces/msg/Duration'](0, 50_000_000)
    point = TYPES['trajectory_msgs/msg/JointTrajectoryPoint'](
        np.array(positions, float), nothing, nothing, nothing, duration
    )
    return TYPES['trajectory_msgs/msg/JointTrajectory'](_header(seconds), list(names), [point])


def array(positions):
    layout = TYPES['std_msgs/msg/MultiArrayLayout']([], 0)
    return TYPES['std_msgs/msg/Float64MultiArray'](layout, np.array(positions, float))


def image(seconds, encoding='rgb8'):
    pixels = np.zeros(12 if encoding == 'rgb8' else 8, np.uint8)
    kind = TYPES['sensor_msgs/msg/Image']
    return kind(_header(seconds), 2, 2, encoding, 0, len(pixels) // 2, pixels)


def compressed(seconds):
    kind = TYPES['sensor_msgs/msg/CompressedImage']
    return kind(_header(seconds), 'jpeg', _JPEG)


def text(words):
    return TYPES['std_msgs/msg/String'](words)


def record(path: Path, **streams) -> Path:
    """Two seconds at 50 Hz: topic (``__`` for a slash) -> message at a time, if any, or one."""
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        made = {}
        for step in range(100):
            for name, make in streams.items():
                message = make(step / 50) if callable(make) else make
                if message is None:
                    continue
                topic, kind = '/' + name.replace('__', '/'), message.__msgtype__
                if topic not in made:
                    made[topic] = writer.add_connection(topic, kind, typestore=STORE)
                data = STORE.serialize_cdr(message, kind)
                writer.write(made[topic], START_NS + step * 20_000_000, data)
    return path

"""A robot that has every supported DataType, another that has hardly any, and a recording."""

import cv2
import numpy as np

from helpers.small_bags import ROS2, Messages, at, write_bag
from neuracore_ros.description import DataType

EVERY = """
robot: every
limits:
  a: {position: none, velocity: 1.0}
  g: {position: [0.0, 0.08], velocity: 0.1}
  follower: {position: [0.0, 0.08], velocity: 0.1}
input:
  JOINT_POSITIONS: {0: a, 2: b}
  JOINT_VELOCITIES: {0: a}
  JOINT_TORQUES: {1: a}
  VISUAL_JOINT_POSITIONS: {0: b}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: g, 2: follower}
  END_EFFECTOR_POSES: {0: tool}
  POSES: {1: cube}
  CUSTOM_1D: {0: push, 1: weight, 3: y, 4: forward, 5: stick}
  RGB_IMAGES: {0: top, 2: part}
  DEPTH_IMAGES: {1: top}
  LANGUAGE: {0: told}
output:
  JOINT_TARGET_POSITIONS: {0: a}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: g}
sources:
  JOINT_POSITIONS: {topic: /joint_states}
  JOINT_VELOCITIES: {topic: /joint_states}
  JOINT_TORQUES: {topic: /joint_states}
  VISUAL_JOINT_POSITIONS: {topic: /joint_states}
  PARALLEL_GRIPPER_OPEN_AMOUNTS:
    topic: /joint_states
    follower: {topic: /grip, type: Float64, follow_s: 0.4}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: /grip, type: Float64}
  JOINT_TARGET_POSITIONS: {topic: /cmd}
  END_EFFECTOR_POSES: {topic: /tf, parent: base}
  POSES: {topic: /cube}
  CUSTOM_1D:
    push: {topic: /wrench, type: WrenchStamped, names: {push: force.z}}
    weight: {topic: /weight, type: Float64, scale: 2}
    y: {topic: /numbers, order: [x, y]}
    forward: {topic: /odom, type: Odometry, names: {forward: twist.linear.x}}
    stick: {topic: /joy, type: Joy, names: {stick: axes.1}}
  RGB_IMAGES: {topic: /top/image_raw, part: {crop: [8, 4, 32, 24]}}
  DEPTH_IMAGES: {top: {topic: /top/depth}}
  LANGUAGE: {topic: /say}
commands:
  JOINT_TARGET_POSITIONS: {topic: /cmd}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: /grip, type: Float64MultiArray}
"""
BARE = """
robot: bare
limits: {z: {position: none, velocity: 1.0}}
input: {JOINT_POSITIONS: {1: z}}
output: {JOINT_TARGET_POSITIONS: {1: z}}
sources: {JOINT_POSITIONS: {topic: /joint_states}, JOINT_TARGET_POSITIONS: {topic: /cmd}}
commands: {JOINT_TARGET_POSITIONS: {topic: /cmd}}
"""
SUPPORTED = [kind for kind in DataType if kind is not DataType.POINT_CLOUDS]
MESSAGES = Messages()
TYPES = ROS2.types


def depth_picture(k, size=(48, 64)):
    """Millimetres, with an edge and a corner where nothing is measured."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    depths = (400 + 3 * rows + 7 * k + 1500 * (columns > 20 + k % 9)).astype(np.uint16)
    depths[:9, :9] = 0
    return depths


def record_every(path, seconds=2.0, steps_hz=50):
    """Every stream of the robot that has everything; two different things are said."""
    messages = []
    rng = np.random.default_rng(5)
    for k in range(round(seconds * steps_hz)):
        now_ns = at(k / steps_hz)
        t = k / steps_hz
        joints = MESSAGES.joints(now_ns, a=t, b=-t, g=0.08 * (k % 9) / 8)
        joints.velocity = np.array([1.0 + t, 2.0, 3.0])
        joints.effort = np.array([4.0 - t, 5.0, 6.0])
        messages.append(('/joint_states', joints, now_ns))
        q = rng.normal((0, 0, 0, 3), 1.0)
        q /= np.linalg.norm(q)
        messages.append(('/cube', _pose(now_ns, (t, 1, 2), -q), now_ns))
        messages.append(('/tf', _transforms(now_ns, 'arm', 'tool', (0, 0, t), q), now_ns))
        if k == 0:
            fixed = _transforms(0, 'base', 'arm', (1, 0, 0), (0, 0, 1, 0))
            messages.append(('/tf_static', fixed, now_ns))
        messages.append(('/wrench', _wrench(now_ns, 7.0 + t), now_ns))
        messages.append(('/weight', TYPES['std_msgs/msg/Float64'](t), now_ns))
        messages.append(('/numbers', _array([9.0, 8.0 - t]), now_ns))
        messages.append(('/odom', _odometry(now_ns, 0.5 - t), now_ns))
        messages.append(('/joy', _joy(now_ns, [0.0, 0.25 * t]), now_ns))
        messages.append(('/grip', TYPES['std_msgs/msg/Float64'](0.08 * (k % 7) / 6), now_ns))
        if k % 2 == 0:
            command = MESSAGES.trajectory(0, [(0.1, [10 + t])], 'a')
            messages.append(('/cmd', command, now_ns))
        if k % 3 == 0:
            colours = np.full((48, 64, 3), 2 * k % 200, np.uint8)
            messages.append(('/top/image_raw', MESSAGES.image(now_ns, colours), now_ns))
            messages.append(('/top/depth', _depth(now_ns, depth_picture(k)), now_ns))
    messages.append(('/say', MESSAGES.string('pick the räd cube'), at(0.0)))
    messages.append(('/say', MESSAGES.string('put it down'), at(seconds / 2 + 0.001)))
    return write_bag(path, messages)


def record_bare(path, seconds=2.0):
    """Joints and commands of the robot that has hardly anything."""
    messages = []
    for k in range(round(seconds * 50)):
        now_ns = at(k / 50)
        messages.append(('/joint_states', MESSAGES.joints(now_ns, z=k / 50), now_ns))
        messages.append(('/cmd', MESSAGES.trajectory(0, [(0.1, [3.0])], 'z'), now_ns))
    return write_bag(path, messages)


def compressed(depths):
    """The same depths as image_transport's compressedDepth sends them."""
    data = np.frombuffer(bytes(12) + cv2.imencode('.png', depths)[1].tobytes(), np.uint8)
    kind = TYPES['sensor_msgs/msg/CompressedImage']
    return kind(MESSAGES.header(0), '16UC1; compressedDepth png', data)


def _header(stamp_ns, frame):
    header = MESSAGES.header(stamp_ns)
    header.frame_id = frame
    return header


def _pose(stamp_ns, xyz, q):
    pose = TYPES['geometry_msgs/msg/Pose'](
        TYPES['geometry_msgs/msg/Point'](*map(float, xyz)),
        TYPES['geometry_msgs/msg/Quaternion'](*map(float, q)),
    )
    return TYPES['geometry_msgs/msg/PoseStamped'](_header(stamp_ns, 'base'), pose)


def _transforms(stamp_ns, parent, child, xyz, q):
    moved = TYPES['geometry_msgs/msg/Transform'](
        TYPES['geometry_msgs/msg/Vector3'](*map(float, xyz)),
        TYPES['geometry_msgs/msg/Quaternion'](*map(float, q)),
    )
    stamped = TYPES['geometry_msgs/msg/TransformStamped'](_header(stamp_ns, parent), child, moved)
    return TYPES['tf2_msgs/msg/TFMessage']([stamped])


def _wrench(stamp_ns, fz):
    vector = TYPES['geometry_msgs/msg/Vector3']
    wrench = TYPES['geometry_msgs/msg/Wrench'](vector(0.0, 0.0, fz), vector(0.0, 0.0, 0.0))
    return TYPES['geometry_msgs/msg/WrenchStamped'](MESSAGES.header(stamp_ns), wrench)


def _odometry(stamp_ns, forward):
    vector, six = TYPES['geometry_msgs/msg/Vector3'], np.zeros(36)
    twist = TYPES['geometry_msgs/msg/Twist'](vector(forward, 0.0, 0.0), vector(0.0, 0.0, 0.0))
    pose = _pose(stamp_ns, (0, 0, 0), (0, 0, 0, 1)).pose
    return TYPES['nav_msgs/msg/Odometry'](
        _header(stamp_ns, 'odom'),
        'base',
        TYPES['geometry_msgs/msg/PoseWithCovariance'](pose, six),
        TYPES['geometry_msgs/msg/TwistWithCovariance'](twist, six),
    )


def _joy(stamp_ns, axes):
    kind = TYPES['sensor_msgs/msg/Joy']
    return kind(MESSAGES.header(stamp_ns), np.array(axes, np.float32), np.array([1], np.int32))


def _array(values):
    layout = TYPES['std_msgs/msg/MultiArrayLayout']([], 0)
    return TYPES['std_msgs/msg/Float64MultiArray'](layout, np.array(values, float))


def _depth(stamp_ns, depths):
    height, width = depths.shape
    data = depths.view(np.uint8).reshape(-1)
    header = MESSAGES.header(stamp_ns)
    return TYPES['sensor_msgs/msg/Image'](header, height, width, '16UC1', 0, 2 * width, data)

"""Parts of the measurement in `node.py`: cameras, a witness, and the bare nodes to compare with.

Every frame of camera 0 has one grey level, its number modulo `LEVELS`; whoever commands from it
puts that level into the position of joint 0. So a command tells the frame that it came from.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

JOINTS = tuple(f'joint_{number}' for number in range(6))
CAMERAS = ('wrist', 'overhead')
SIZE = (480, 640)
MODEL_SIZE = (224, 224)
CAMERA_HZ = 30.0
JOINT_HZ = 100.0
LEVELS = 250
REACH = 0.2
"""Position of joint 0 for a full grey level [rad]; below the tracking error."""
POINT_HZ = 100.0
COMMAND = '/arm_controller/joint_trajectory'
# The node moves its ticks towards the arrivals of images within this.
WARM_UP_S = 8.0

spawn = multiprocessing.get_context('spawn')


class Echo(torch.nn.Module):
    """Commands the grey level that it sees, after ``work`` products of 256 x 256 matrices."""

    def __init__(self, horizon: int, work: int) -> None:
        super().__init__()
        self.horizon, self.work = horizon, work
        self.register_buffer('matrix', torch.eye(256))

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """The contract of a policy file."""
        product = self.matrix
        for _ in range(self.work):
            product = product @ self.matrix
        height = inputs['RGB_IMAGES'].shape[3] // 2
        level = inputs['RGB_IMAGES'][:, -1, 0, height, height, 0].float() * product[0, 0]
        chunk = torch.zeros(1, self.horizon, 6)
        chunk[:, :, 0] = level / 255.0 * 0.2
        return {'JOINT_TARGET_POSITIONS': chunk}


def write_robot(folder: Path, stream: str) -> Path:
    """A robot with two cameras that takes ``chunk`` or ``point``."""
    slots = ', '.join(f'{index}: {name}' for index, name in enumerate(JOINTS))
    limits = '\n'.join(f'  {name}: {{position: [-3.1, 3.1], velocity: 1000.0}}' for name in JOINTS)
    cameras = ', '.join(f'{index}: {name}' for index, name in enumerate(CAMERAS))
    images = '\n'.join(f'    {name}: {{topic: /{name}/image_raw}}' for name in CAMERAS)
    path = folder / f'{stream}.yaml'
    path.write_text(
        f'robot: bench\n'
        f'limits:\n{limits}\n'
        f'input:\n  JOINT_POSITIONS: {{{slots}}}\n  RGB_IMAGES: {{{cameras}}}\n'
        f'output:\n  JOINT_TARGET_POSITIONS: {{{slots}}}\n'
        f'sources:\n  JOINT_POSITIONS: {{topic: /joint_states}}\n  RGB_IMAGES:\n{images}\n'
        f'commands:\n  JOINT_TARGET_POSITIONS: {{topic: {COMMAND}, stream: {stream}}}\n'
    )
    return path


def write_policy(folder: Path, rate_hz: float, work: int) -> Path:
    """An `Echo` whose chunk covers two seconds."""
    horizon = round(2 * rate_hz)
    joints, every = len(JOINTS), tuple(range(len(JOINTS)))
    manifest = Manifest(
        input={
            DataType.JOINT_POSITIONS: InputSlots(joints, every),
            DataType.RGB_IMAGES: InputSlots(2, (0, 1), image_size=MODEL_SIZE),
        },
        output={DataType.JOINT_TARGET_POSITIONS: OutputSlots(joints, every)},
        rate_hz=rate_hz,
        horizon=horizon,
    )
    path = folder / f'echo_{rate_hz:g}_{work}.pt'
    save(Echo(horizon, work), manifest, path)
    return path


def products_in(milliseconds: float) -> int:
    """Count the matrix products that take so long on one thread of this machine, now."""
    torch.set_num_threads(1)
    matrix = torch.eye(256)
    start = time.perf_counter()
    for _ in range(300):
        matrix = matrix @ matrix
    return max(1, round(300 * milliseconds / 1e3 / (time.perf_counter() - start)))


# Processes


@contextmanager
def running(target: Callable[..., None], *arguments: Any) -> Iterator[int]:
    """A part of this file in a process of its own; gives its process id."""
    process = spawn.Process(target=target, args=arguments, daemon=True)
    process.start()
    try:
        assert process.pid is not None
        yield process.pid
    finally:
        process.terminate()
        process.join(10)


@contextmanager
def infer_node(policy: Path, robot: Path, **parameters: object) -> Iterator[int]:
    """The real node; gives its process id."""
    given = {'model': policy, 'robot': robot, 'blend': 'none', 'start_tolerance': 0.49}
    words = [
        w for name, value in {**given, **parameters}.items() for w in ('-p', f'{name}:={value}')
    ]
    process = subprocess.Popen(
        [sys.executable, '-m', 'neuracore_ros.node.infer_node', '--ros-args', *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def cpu_s(pid: int) -> float:
    """Processor time that a process has used [s]."""
    fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def _spin(node: Any) -> None:
    import rclpy

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    rclpy.spin(node)


def _node(name: str) -> Any:
    import rclpy

    rclpy.init()
    return rclpy.create_node(name)


def robot(sent_s: Any) -> None:
    """Publishes joints and cameras; notes when each frame of camera 0 went out."""
    from sensor_msgs.msg import Image, JointState

    node = _node('robot')
    states = node.create_publisher(JointState, '/joint_states', 10)
    cameras = [node.create_publisher(Image, f'/{name}/image_raw', 5) for name in CAMERAS]
    frames = [np.full((*SIZE, 3), level, np.uint8).tobytes() for level in range(LEVELS)]
    state = JointState(name=list(JOINTS), position=[0.0] * len(JOINTS))
    number = 0

    def send_joints() -> None:
        state.header.stamp = node.get_clock().now().to_msg()
        states.publish(state)

    def send_images() -> None:
        nonlocal number
        number += 1
        picture = Image(encoding='rgb8', height=SIZE[0], width=SIZE[1], step=3 * SIZE[1])
        # The setter would look at every byte of a list; an array of bytes it takes as it is.
        picture._data = array('B', frames[number % LEVELS])
        picture.header.stamp = node.get_clock().now().to_msg()
        for index in reversed(range(len(cameras))):
            if index == 0:
                sent_s[number % LEVELS] = time.monotonic()
            cameras[index].publish(picture)

    node.create_timer(1 / JOINT_HZ, send_joints)
    node.create_timer(1 / CAMERA_HZ, send_images)
    _spin(node)


def relay() -> None:
    """Bare: an image of camera 0 in, a command out; hears all that our node hears."""
    from sensor_msgs.msg import Image, JointState
    from trajectory_msgs.msg import JointTrajectory

    node = _node('relay')
    publisher = node.create_publisher(JointTrajectory, COMMAND, 10)

    def answer(image: Image) -> None:
        middle = (SIZE[0] // 2 * SIZE[1] + SIZE[1] // 2) * 3
        publisher.publish(_command(image.data[middle] / 255.0 * REACH))

    def ignore(_: object) -> None:
        pass

    node.create_subscription(JointState, '/joint_states', ignore, 20)
    for name, callback in zip(CAMERAS, (answer, ignore), strict=True):
        node.create_subscription(Image, f'/{name}/image_raw', callback, 5)
    _spin(node)


def metronome() -> None:
    """Bare: a timer that publishes a command."""
    from trajectory_msgs.msg import JointTrajectory

    node = _node('metronome')
    publisher = node.create_publisher(JointTrajectory, COMMAND, 10)
    node.create_timer(1 / POINT_HZ, lambda: publisher.publish(_command(0.0)))
    _spin(node)


def load(policy: Path, rate_hz: float) -> None:
    """The model, run as often as the node would."""
    from neuracore_ros.policy.load import load_policy

    model = load_policy(policy, threads=1)
    while True:
        start = time.monotonic()
        model.warm_up(1)
        time.sleep(max(0.0, start + 1 / rate_hz - time.monotonic()))


def decoder(policy: Path) -> None:
    """Plain: every frame is decoded in its callback; the model runs in a timer."""
    from sensor_msgs.msg import Image, JointState
    from trajectory_msgs.msg import JointTrajectory

    from neuracore_ros.observation import decode_image, resize_pad
    from neuracore_ros.policy.load import load_policy

    model = load_policy(policy, threads=1)
    node = _node('decoder')
    images = np.zeros((1, len(CAMERAS), *MODEL_SIZE, 3), np.uint8)
    joints = np.zeros((1, len(JOINTS)), np.float32)
    valid = {
        DataType.JOINT_POSITIONS: np.ones(len(JOINTS), bool),
        DataType.RGB_IMAGES: np.ones(len(CAMERAS), bool),
    }
    publisher = node.create_publisher(JointTrajectory, COMMAND, 10)

    def take(message: JointState) -> None:
        by_name = dict(zip(message.name, message.position, strict=True))
        joints[0] = [by_name[name] for name in JOINTS]

    def look(index: int) -> Callable[[Image], None]:
        def decode(image: Image) -> None:
            images[0, index] = resize_pad(decode_image(image), MODEL_SIZE)

        return decode

    def act() -> None:
        inputs = {DataType.JOINT_POSITIONS: joints, DataType.RGB_IMAGES: images}
        chunk = model.predict(inputs, valid)[DataType.JOINT_TARGET_POSITIONS]
        publisher.publish(_command(float(chunk[0, 0])))

    node.create_subscription(JointState, '/joint_states', take, 20)
    for index, name in enumerate(CAMERAS):
        node.create_subscription(Image, f'/{name}/image_raw', look(index), 5)
    node.create_timer(1 / model.manifest.rate_hz, act)
    _spin(node)


def _command(position: float) -> Any:
    from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

    point = JointTrajectoryPoint(positions=[position] + [0.0] * (len(JOINTS) - 1))
    point.time_from_start.nanosec = 10_000_000
    return JointTrajectory(joint_names=list(JOINTS), points=[point])


class Heard(NamedTuple):
    """One command.

    Attributes:
        arrived_s: When it was heard, monotonic [s].
        level: Of the frame that it came from.
        sent_s: When that frame was published, monotonic [s].
    """

    arrived_s: float
    level: int
    sent_s: float


class Witness:
    """Listens to the commands, in this process."""

    def __init__(self, sent_s: Any) -> None:
        """``sent_s``: level -> when the newest frame of this level was published."""
        import rclpy
        from trajectory_msgs.msg import JointTrajectory

        rclpy.init()
        self._node = rclpy.create_node('witness')
        self._sent_s = sent_s
        self.heard: list[Heard] = []
        self._node.create_subscription(JointTrajectory, COMMAND, self._hear, 100)

    def listen(self, seconds: float) -> list[Heard]:
        """Collect messages from now on for so long, once the first command has come.

        Raises:
            RuntimeError: Nothing came.
        """
        import rclpy

        self.heard.clear()
        patience_s = time.monotonic() + 60.0
        while not self.heard:
            if time.monotonic() > patience_s:
                raise RuntimeError('no command came within a minute')
            rclpy.spin_once(self._node, timeout_sec=0.1)
        self._until(WARM_UP_S)
        self.heard.clear()
        self._until(seconds)
        return list(self.heard)

    def _until(self, seconds: float) -> None:
        import rclpy

        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            rclpy.spin_once(self._node, timeout_sec=0.02)

    def _hear(self, message: Any) -> None:
        level = round(message.points[0].positions[0] / REACH * 255.0) % LEVELS
        self.heard.append(Heard(time.monotonic(), level, self._sent_s[level]))

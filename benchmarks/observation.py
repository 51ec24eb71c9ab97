"""Measure the cost of observing: python benchmarks/observation.py (needs the ROS 2 messages).

Ratios are of one run: the floor is a bare loop that reads the same attributes of the same
messages and does nothing with them.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image, JointState

from neuracore_ros.description import DataType, Layout, Source
from neuracore_ros.observation import Observer, decode_image, resize_pad

MESSAGES = 5000
ROUNDS = 7
T0 = 1_700_000_000_000_000_000
STEP_NS = 1_000_000


def sources(count: int) -> list[Source]:
    return [
        Source(
            data_type=DataType.JOINT_POSITIONS,
            index=index,
            name=f'panda_joint{index + 1}',
            topic='/joint_states',
            type='sensor_msgs/msg/JointState',
            field='position',
            message_name=f'panda_joint{index + 1}',
            order=None,
            scale=1.0,
            offset=0.0,
            max_age_s=0.2,
            stamp='header',
            reliability='match',
        )
        for index in range(count)
    ]


def observer(count: int) -> Observer:
    named = sources(count)
    slots = {DataType.JOINT_POSITIONS: {source.index: source.name for source in named}}
    return Observer(named, Layout.of([slots]), None)


def messages(count: int) -> list[JointState]:
    """As they come off the wire: every message has its own strings and arrays."""
    names = [source.name for source in sources(count)]
    made = []
    for number in range(MESSAGES):
        message = JointState(name=names, position=[0.1] * count)
        message.velocity = message.effort = message.position
        sec, nanosec = divmod(T0 + number * STEP_NS, 1_000_000_000)
        message.header.stamp.sec, message.header.stamp.nanosec = sec, nanosec
        made.append(deserialize_message(serialize_message(message), JointState))
    return made


def microseconds(work: Callable[[], None], calls: int) -> float:
    """Median over rounds of the time of one call."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) / calls * 1e6)
    return statistics.median(taken)


def joints(count: int) -> None:
    stream = messages(count)
    last_ns = T0 + (MESSAGES - 1) * STEP_NS

    def floor() -> None:
        for message in stream:
            stamp = message.header.stamp
            _ = stamp.sec, stamp.nanosec, message.name, message.position.tolist()

    def receive() -> None:
        eyes = observer(count)
        for number, message in enumerate(stream):
            eyes.receive('/joint_states', message, T0 + number * STEP_NS)

    eyes = observer(count)
    eyes.receive('/joint_states', stream[-1], last_ns)

    def observe() -> None:
        for _ in range(MESSAGES):
            eyes.observe(last_ns)

    least = microseconds(floor, MESSAGES)
    print(f'{count} joints: bare attribute reads      {least:7.2f} us')
    for name, work in (('receive', receive), ('observe', observe)):
        cost = microseconds(work, MESSAGES)
        print(f'{count} joints: {name}                   {cost:7.2f} us  {cost / least:5.1f} x')


def pictures() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    for encoding in ('rgb8', 'bgr8'):
        message = Image(encoding=encoding, height=480, width=640, step=1920, data=noise.tobytes())
        copy = microseconds(lambda message=message: bytes(message.data) and None, 1)
        decode = microseconds(lambda message=message: decode_image(message) is None, 1)
        print(f'{encoding} 640 x 480: copying the bytes {copy:7.0f} us')
        print(f'{encoding} 640 x 480: decode            {decode:7.0f} us  {decode / copy:5.1f} x')
    resize = microseconds(lambda: resize_pad(noise, (224, 224)) is None, 1)
    print(f'640 x 480 to 224 x 224: resize_pad {resize:7.0f} us')


if __name__ == '__main__':
    for joint_count in (2, 7):
        joints(joint_count)
    pictures()

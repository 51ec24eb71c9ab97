"""What can be done to messages on their way.

Each function makes a relay's change: from one message to those that are sent instead of it.
"""

import copy
import struct
from array import array

import cv2
import numpy as np
from sensor_msgs.msg import JointState

from helpers.faulty_relays import NAMES, at
from neuracore_ros.durations import time_ns


def edit(change):
    """From ``change(message, *how)``, which edits a message, to what makes such a change."""

    def make(*how):
        def changed(message):
            change(message, *how)
            return [message]

        return changed

    return make


# Any stream


def silent():
    return lambda message: []


def repeated():
    """The first message again and again, stamp and all."""
    first = []

    def change(message):
        first.append(message)
        return [first[0]]

    return change


def slowed(times):
    """One message of so many."""
    count = [0]

    def change(message):
        count[0] += 1
        return [message] if count[0] % times == 0 else []

    return change


def sometimes(times, change):
    """One message of so many is spoiled."""
    count = [0]

    def changed(message):
        count[0] += 1
        return change(message) if count[0] % times == 0 else [message]

    return changed


@edit
def shifted(message, seconds):
    message.header.stamp = at(time_ns(message.header.stamp) + round(seconds * 1e9))


@edit
def stamped(message, seconds):
    """Stamps that count from another origin; 0: none."""
    message.header.stamp = at(seconds * 10**9 + (message.header.stamp.nanosec if seconds else 0))


def jumping(seconds):
    """Stamps far ahead, by another amount each time."""
    random = np.random.default_rng(1)

    def change(message):
        return shifted(seconds * (1.0 + random.random()))(message)

    return change


def multiplied(times, period_ns):
    """So many messages for one, with stamps between it and the one before."""

    def change(message):
        messages = []
        for i in reversed(range(times)):
            messages.append(copy.copy(message))
            messages[-1].header = copy.deepcopy(message.header)
            messages[-1].header.stamp = at(time_ns(message.header.stamp) - i * period_ns // times)
        return messages

    return change


def swapped():
    """Of each two messages, the second goes first."""
    held = []

    def change(message):
        held.append(message)
        if len(held) < 2:
            return []
        both = held[::-1]
        held.clear()
        return both

    return change


# Joints


@edit
def values(message, wrong):
    message.position = array('d', [wrong] * len(message.position))


@edit
def value(message, joint, wrong):
    message.position[message.name.index(NAMES[joint])] = wrong


@edit
def added(message, joint, offset):
    message.position[message.name.index(NAMES[joint])] += offset


@edit
def elsewhere(message, joint, offset):
    """What another driver says of a joint, shortly after."""
    message.header.stamp = at(time_ns(message.header.stamp) + 3_000_000)
    message.position[message.name.index(NAMES[joint])] += offset


def stuck(joint):
    """A joint reports for ever what it reported first."""
    first = []

    def change(message):
        place = message.name.index(NAMES[joint])
        first.append(message.position[place])
        message.position[place] = first[0]
        return [message]

    return change


@edit
def renamed(message, joint):
    message.name = [name if name != NAMES[joint] else 'somebody' for name in message.name]


@edit
def emptied(message):
    message.name, message.position, message.velocity = [], array('d'), array('d')


@edit
def valueless(message):
    message.position, message.velocity = array('d'), array('d')


@edit
def shortened(message):
    message.position = message.position[:-1]


@edit
def doubled(message):
    message.name = [*message.name, message.name[0]]
    message.position.append(1.0)
    message.velocity.append(0.0)


@edit
def positions_only(message):
    message.velocity, message.effort = array('d'), array('d')


@edit
def extended(message):
    """A gripper, a second arm, and a joint without an encoder."""
    message.name = ['finger', *message.name, *(f'left_{name}' for name in NAMES), 'caster']
    message.position = array('d', [0.04, *message.position, *range(6), np.nan])
    message.velocity = array('d')


def part(message, places):
    """A message of some of the joints."""
    return JointState(
        header=message.header,
        name=[message.name[i] for i in places],
        position=[message.position[i] for i in places],
    )


def without(joint):
    """One joint is never there."""

    def change(message):
        return [part(message, [i for i, n in enumerate(message.name) if n != NAMES[joint]])]

    return change


def split():
    """The first joints in one message, the others in another."""
    return lambda message: [part(message, range(2)), part(message, range(2, len(message.name)))]


def shuffled():
    random = np.random.default_rng(1)
    return lambda message: [part(message, random.permutation(len(message.name)).tolist())]


# Pictures


def frozen():
    """The first picture for ever, under new stamps."""
    first = []

    def change(message):
        first.append(message.data)
        message.data = first[0]
        return [message]

    return change


@edit
def painted(message, red):
    """An order to the policy; the first byte stays the noise of the camera."""
    noise = message.data[0]
    message.data = array('B', bytes([red, 1, 2]) * (message.height * message.width))
    message.data[0] = noise


@edit
def encoded(message, encoding):
    message.encoding = encoding


@edit
def truncated(message, share=0.5):
    message.data = message.data[: round(share * len(message.data))]


@edit
def garbled(message):
    """Bytes that are no picture."""
    message.data = array('B', np.random.default_rng(1).bytes(len(message.data)))


@edit
def immense(message):
    """A JPEG whose header claims 30000 x 30000 pixels."""
    place = bytes(message.data).index(b'\xff\xc0') + 5
    message.data[place : place + 4] = array('B', struct.pack('>HH', 30000, 30000))


@edit
def wrongly_sized(message):
    message.height += 1


@edit
def sizeless(message):
    message.height = message.width = message.step = 0
    message.data = array('B')


@edit
def halved(message):
    """Sound pictures of half the width and height."""
    size = message.height, message.width, 3
    pixels = np.frombuffer(message.data, np.uint8).reshape(size)[::2, ::2]
    message.height, message.width = pixels.shape[:2]
    message.step = 3 * message.width
    message.data = array('B', pixels.tobytes())


def enlarged():
    """Pictures of 960 x 720, 2 MB, one for each six."""
    count = [0]

    def change(message):
        count[0] += 1
        if count[0] % 6:
            return []
        size = message.height, message.width, 3
        pixels = cv2.resize(np.frombuffer(message.data, np.uint8).reshape(size), (960, 720))
        message.height, message.width, message.step = 720, 960, 3 * 960
        message.data = array('B', pixels.tobytes())
        return [message]

    return change


@edit
def as_png(message):
    pixels = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)
    message.format = 'png'
    message.data = array('B', cv2.imencode('.png', pixels)[1].tobytes())

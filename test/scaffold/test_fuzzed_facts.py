"""Whatever topics a station has, its draft loads and contradicts itself nowhere."""

import random
import warnings
from pathlib import Path

import pytest

from neuracore_ros.description.robot_file import parse_robot
from neuracore_ros.description.vocabulary import load_vocabulary
from neuracore_ros.errors import UserError
from neuracore_ros.scaffold.draft import draft
from neuracore_ros.scaffold.draft_texts import DraftOrigin
from neuracore_ros.scaffold.facts import (
    CommandReceiver,
    Facts,
    ImageTopic,
    NumberTopic,
    ObservedMotion,
)
from neuracore_ros.yaml_value import parse_yaml

STATE, TRAJECTORY = 'sensor_msgs/msg/JointState', 'trajectory_msgs/msg/JointTrajectory'
NUMBERS = 'std_msgs/msg/Float64MultiArray'
FOLLOW = 'control_msgs/action/FollowJointTrajectory'
GRIP = 'control_msgs/action/GripperCommand'
IMAGES = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
WORDS = [
    *('left', 'right', 'arm', 'joint_states', 'state', 'leader', 'follower', 'command', 'robot1'),
    *('robot_2', 'gripper', 'hand', 'l', 'r', 'cmd', 'x', 'controller', 'joint_trajectory'),
]
JOINTS = [
    *('base', 'pan', 'lift', 'elbow', 'wrist_1', 'wrist_2', 'gripper', 'left_finger', 'finger_2'),
    *('right_finger', 'l_arm', 'joint_1', 'joint_2', 'q', 'head', 'on', '1', "it's", 'a b', 'hä'),
]


class Station:
    """A station of a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def topics(self, most):
        choose = self.random.choices
        return {'/' + '/'.join(choose(WORDS, k=self.random.randint(1, 3))) for _ in range(most)}

    def motion(self):
        lower = self.random.choice([0.0, -1.0, -0.5, -60.0, 1e-3, -1e9])
        width = self.random.choice([0.0, 0.01, 1.0, 120.0, 2.0])
        return ObservedMotion(lower, lower + width, self.random.choice([0.0, 0.3, 5.0, 1e5]))

    def numbers(self, topic):
        kind = self.random.choice([STATE, STATE, STATE, TRAJECTORY, NUMBERS])
        has_names = kind != NUMBERS and self.random.random() < 0.75
        joints = tuple(self.random.sample(JOINTS, self.random.randint(1, 7))) if has_names else ()
        width = len(joints) or self.random.randint(0, 8)
        motions = {key: self.motion() for key in joints or map(str, range(width))}
        count, period = self.random.choice([0, 1, 50]), self.random.choice([0.0, 0.01, 0.2, 3.0])
        off_s = self.random.choice([0.0, 0.0, 9.0])
        return NumberTopic(topic, kind, count, joints, width, motions, period, off_s)

    def listener(self, topic):
        kind = self.random.choice([TRAJECTORY, NUMBERS, FOLLOW, GRIP])
        joints = self.random.sample(JOINTS, self.random.randint(0, 6))
        return CommandReceiver(topic, kind, '/node', tuple(joints))

    def image(self, topic):
        is_depth, count = self.random.random() < 0.3, self.random.choice([0, 1, 9])
        return ImageTopic(topic, self.random.choice(IMAGES), 'rgb8', is_depth, count)

    def facts(self):
        return Facts(
            tuple(map(self.numbers, sorted(self.topics(6)))),
            tuple(map(self.image, sorted(self.topics(3)))),
            tuple(map(self.listener, sorted(self.topics(3)))),
        )


@pytest.mark.parametrize('vocabulary', ['', 'arm/1'])
@pytest.mark.parametrize('batch', range(2))
def test_every_station_is_drafted_or_refused_in_one_line(batch, vocabulary):
    named = load_vocabulary(vocabulary) if vocabulary else None
    drafted = 0
    for seed in range(batch * 100, batch * 100 + 100):
        station = Station(seed)
        path = Path(f'seed_{seed}.yaml')
        try:
            origin = DraftOrigin('robot', ('here',), seed % 2 == 0, vocabulary=vocabulary)
            made = draft(station.facts(), None, origin, None, named)
        except UserError as error:
            assert 'so no joint is known' in str(error) or 'no joint is left' in str(error)
            continue
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            robot = parse_robot(parse_yaml(made.text, path), path)
        assert robot.input_sources(), made.text
        if robot.output:
            assert robot.measured_sources() and robot.commands(), made.text
        drafted += 1
    assert drafted > 50

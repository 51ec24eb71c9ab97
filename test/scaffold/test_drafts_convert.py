"""A draft converts the recording that it was drafted from, whatever publishes what and how.

Each station is a follower that lags its commands by the same angle in every joint, so that a
follower that is paired with another arm's leader, a joint with its neighbour, or degrees with
radians, shows as another lag.
"""

import itertools
import math
import random
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as parquet
import pytest

from helpers.drawn_arms import array, image, joint, record, state, trajectory, urdf
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType

LAG = 0.05
JOINTS = ('base_pan', 'shoulder_lift', 'elbow', 'wrist_roll')
GRIPPER = 'gripper'
DEGREE = math.pi / 180
URDF = urdf(
    *(
        joint(name, axis, after=before)
        for name, axis, before in zip(
            JOINTS, ('0 0 1', '0 1 0', '0 1 0', '1 0 0'), ('', *JOINTS), strict=False
        )
    ),
    joint(GRIPPER, '0 1 0', 'prismatic', after=JOINTS[-1], limit=(0.0, 0.04)),
)


@dataclass(frozen=True)
class Station:
    """What publishes what."""

    arms: str
    states: str
    commands: str
    gripper: bool
    degrees: bool
    urdf: bool

    def __str__(self):
        return '-'.join(
            [self.arms, self.states, self.commands]
            + [word for word in ('gripper', 'degrees', 'urdf') if getattr(self, word)]
        )

    def streams(self):
        """Topic -> message at a time."""
        found = {}
        for number, arm in enumerate(self.arms.split('+')):
            joints = (*JOINTS, GRIPPER) if self.gripper else JOINTS

            def told(seconds, ahead, joints=joints, number=number):
                unit = DEGREE if self.degrees else 1.0
                moving = 0.2 * math.sin(seconds)
                turned = [
                    (0.3 * place - 0.5 + 0.15 * number + moving + ahead) / unit
                    for place in range(len(JOINTS))
                ]
                return [*turned, 0.02 + 0.01 * math.sin(seconds)][: len(joints)]

            follower, leader = topics(arm)
            named = joints if self.states == 'named' else ()
            found[follower] = lambda t, n=named, told=told: state(t, n, told(t, 0.0))
            found |= self.sent(leader, joints, told)
        return found

    def sent(self, leader, joints, told):
        """The command of one arm, in one way or another."""
        ways = {
            'trajectory': lambda t: trajectory(t, JOINTS, told(t, LAG)[: len(JOINTS)]),
            'array': lambda t: array(told(t, LAG)[: len(JOINTS)]),
            'whole_array': lambda t: array(told(t, LAG)),
            'leader': lambda t: state(t, joints, told(t, LAG)),
            'nameless': lambda t: state(t, (), told(t, LAG)),
            'renamed': lambda t: state(t, [f'm{i}' for i in range(len(joints))], told(t, LAG)),
        }
        return {leader: ways[self.commands]} if self.commands in ways else {}


def topics(arm):
    """The topics of follower and leader of an arm; ``__`` is a slash."""
    return (f'{arm}__joint_states', f'{arm}__leader__target') if arm else ('joint_states', 'cmd')


ARMS = ('', 'left+right', 'robot_1+robot_2')
STATES = ('named', 'nameless')
COMMANDS = ('none', 'trajectory', 'array', 'whole_array', 'leader', 'nameless', 'renamed')
FLAGS = (False, True)
EVERY = [
    Station(*choice) for choice in itertools.product(ARMS, STATES, COMMANDS, FLAGS, FLAGS, FLAGS)
]
SOME = random.Random(1).sample(EVERY, 40)


@pytest.mark.parametrize('station', SOME, ids=str)
def test_a_draft_converts_its_recording_and_pairs_each_joint_with_its_command(
    station, describe, tmp_path, capsys
):
    bag = record(tmp_path / 'bag', **station.streams())
    (tmp_path / 'arm.urdf').write_text(URDF)
    words = ('--urdf', tmp_path / 'arm.urdf') if station.urdf else ()
    robot, written = describe('--bag', bag, *words)
    drafted = describe.said
    for every in (robot.commands, robot.measured_sources, robot.output_sources):
        assert every()
    dataset = tmp_path / 'dataset'
    status = main(
        ['convert', str(dataset), '--description', str(tmp_path / 'robot.yaml'), str(bag)]
    )
    assert status == 0, (capsys.readouterr().err, written)
    arms = len(station.arms.split('+'))
    assert len(robot.input[DataType.JOINT_POSITIONS]) % arms == 0
    if station.commands == 'none' or 'is left out: which joints' in drafted:
        assert list(robot.output) == [DataType.JOINT_POSITIONS]
        assert 'guessed: no command' in written
        return
    file = next(dataset.glob('data/**/*.parquet'))
    table = parquet.read_table(file).to_pydict()
    slots = robot.output[DataType.JOINT_TARGET_POSITIONS]
    assert len(slots) >= arms * len(JOINTS), written
    # Where nothing names joints, the gripper is one more of them, the last one of its arm.
    hand = (f'_{len(JOINTS) + 1}', f'm{len(JOINTS)}')
    of_arm = [index for index, name in slots.items() if not name.endswith(hand)]
    assert len(of_arm) == arms * len(JOINTS)
    action, state = np.array(table['action']), np.array(table['observation.state'])
    lag = action[:, of_arm] - state[:, of_arm]
    unit = 1.0 if not station.degrees or 'in degrees' in drafted else DEGREE
    # A slot may count the other way than its joint.
    turned = [robot.source(DataType.JOINT_POSITIONS, slots[index]).scale < 0 for index in of_arm]
    lag *= np.where(turned, -unit, unit)
    assert np.allclose(lag, LAG, atol=0.02), (lag[0], written)


def test_what_no_recording_can_be_converted_with_is_left_out_of_its_draft(
    describe, tmp_path, capsys
):
    bag = record(
        tmp_path / 'bag',
        joint_states=lambda t: state(t, ['a', 'b', 'a', 'c'], [t, t / 2, t, math.nan]),
        hand__joint_states=lambda t: state(t, ['d', 'e'], [t]),
        front__image=lambda t: image(t, 'weird8'),
        top__image=image,
    )
    robot, _ = describe('--bag', bag)
    assert robot.input == {DataType.JOINT_POSITIONS: {0: 'b'}, DataType.RGB_IMAGES: {1: 'top'}}
    assert (
        '/joint_states: left out: a (messages have it twice), c (no position is' in describe.said
    )
    assert ': left out: d, e (messages have another number of positions than' in describe.said
    assert "/front/image is left out: unknown encoding 'weird8'" in describe.said
    words = ['convert', tmp_path / 'data', '--description', tmp_path / 'robot.yaml', bag]
    assert main([str(word) for word in words]) == 0, capsys.readouterr().err


def test_a_recording_of_which_nothing_is_left_says_what_is_lost(tmp_path, capsys):
    bag = record(tmp_path / 'bag', joint_states=lambda t: state(t, ['a', 'b'], [t, t]))
    (file,) = bag.glob('*.mcap')
    data = file.read_bytes()
    first = data.index(b'\x00sensor_msgs/msg/JointState')
    file.write_bytes(data[: first - 12] + b'\xff' * 8 + data[first - 4 :])
    assert main(['describe', '--bag', str(bag), '--out', str(tmp_path / 'robot.yaml')]) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and '; lost: ' in said

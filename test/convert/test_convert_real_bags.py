"""Recordings that other people made, with the robot files under test/robots."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from neuracore_ros.bags.bag import open_bag
from neuracore_ros.cli.main import main
from neuracore_ros.errors import ObservationError
from neuracore_ros.observation import decode_image

ROBOTS = Path(__file__).parents[1] / 'robots'


@pytest.fixture
def convert(tmp_path, bags, capsys):
    """Converts a bag for a robot; gives the figures, and a column by its name."""

    def run(robot, bag, *options):
        arguments = ['convert', str(tmp_path / 'data'), '--json', *options]
        arguments += ['--description', str(ROBOTS / f'{robot}.yaml'), str(bags / bag)]
        assert main(arguments) == 0
        table = pq.read_table(tmp_path / 'data/data/chunk-000/file-000.parquet')
        return (
            json.loads(capsys.readouterr().out),
            np.array(table['observation.state'].to_pylist()),
            np.array(table['action'].to_pylist()),
        )

    return run


def messages(bag, topic):
    with open_bag(bag) as opened:
        return [(item.log_time_ns, item.message) for item in opened.read([topic])]


def test_a_servo_arm_whose_commands_have_other_names_and_start_late(convert, bags):
    bag = 'aerial_servo_mcap_20251202'
    report, state, action = convert('servo_arm', bag)
    (line,) = report['bags']
    assert line['notes'] == [
        '/servo/in/state (output) starts 2.4 s after /servo/out/state',
        '/servo/in/state (output) ends 1.9 s before /servo/out/state',
    ]
    measured = messages(bags / bag, '/servo/out/state')
    commanded = messages(bags / bag, '/servo/in/state')
    start_ns = commanded[0][0]
    assert len(state) == line['ticks'] == 1 + int((measured[-1][0] - start_ns) / 5e7)
    for k in (0, 17, len(state) - 1):
        tick_ns = start_ns + k * 50_000_000
        for values, recorded in ((state, measured), (action, commanded)):
            newest = [m.position for t, m in recorded if t <= tick_ns][-1]
            np.testing.assert_array_equal(values[k], newest.astype(np.float32))


def test_fetch_poses_from_a_ros1_topic_without_a_leading_slash(convert, bags):
    bag = 'fetch_calibration_poses.bag'
    report, state, action = convert('fetch_arm', bag, '--rate-hz', '1')
    assert report['streams'][0]['samples'] == 61
    assert state.shape == (618, 8)
    poses = [m for _, m in messages(bags / bag, '/calibration_joint_states')]
    torso = {np.float32(m.position[m.name.index('torso_lift_joint')]) for m in poses}
    assert set(state[:, 0].astype(np.float32)) <= torso
    np.testing.assert_array_equal(action[:-1], state[1:])


@pytest.mark.parametrize('opened', ['', 'rosbag2_2025_09_10-13_03_56_0.mcap'])
def test_joints_among_every_message_type_without_metadata(convert, opened):
    report, state, _ = convert('all_types_arm', f'rerun_ros2_all_types_mcap/{opened}')
    assert report['streams'][0]['samples'] == 15
    assert state.shape == (30, 7)
    assert not state[:, 3:6].any() and state[0, 1] == np.float32(1.3)


def test_every_image_is_decoded(bags):
    decoded = {}
    for bag in sorted(bags.iterdir()):
        with open_bag(bag) as opened:
            topics = [t.name for t in opened.topics.values() if t.type.endswith('Image')]
            for topic, message, _ in opened.read(topics):
                try:
                    image = decode_image(message)
                except ObservationError as error:
                    pytest.fail(f'{bag.name} {topic}: {error}')
                decoded[bag.name, topic] = image.shape
    assert len(decoded) == 4 and all(shape[2] == 3 for shape in decoded.values())

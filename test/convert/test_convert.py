"""`neuracore_ros convert` from outside: what it writes, says and refuses."""

import json
import shutil

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from helpers.small_bags import FORMATS, ROS2, Messages, Ros2Writer, at, write_bag
from helpers.two_arms import (
    LEFT,
    NUMBERS,
    RIGHT,
    describe,
    images,
    joint_states,
    picture,
    record_left,
    record_right,
    trajectories,
)
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.dataset.writer import open_dataset

SIZE = '64x48'


@pytest.fixture
def cross(tmp_path):
    return describe(tmp_path, left=LEFT, right=RIGHT)


def column(dataset, name, episode=0):
    table = pq.read_table(dataset / f'data/chunk-000/file-{episode:03d}.parquet')
    return np.array(table[name].to_pylist())


def frames(dataset, camera, episode=0):
    path = dataset / f'videos/observation.images.rgb_{camera}/chunk-000/file-{episode:03d}.mp4'
    with av.open(str(path)) as container:
        return [(f.time, f.to_ndarray(format='rgb24')) for f in container.decode(video=0)]


@pytest.mark.parametrize('kind', FORMATS)
def test_a_recording_becomes_a_padded_episode(tmp_path, cross, convert, kind):
    bag = record_left(tmp_path / 'bag.bag', kind=kind)
    code, out, _ = convert(
        '--description', cross, '--robot', 'left', bag, '--image-size', SIZE, '--task', 'wave'
    )
    data = tmp_path / 'data'
    assert code == 0 and '1 episode, 40 steps' in out
    info = json.loads((data / 'meta/info.json').read_text())
    assert info['features']['observation.state']['names'] == [
        f'JOINT_POSITIONS.{i}' for i in range(3)
    ]
    assert (info['fps'], info['total_frames'], info['codebase_version']) == (20, 40, 'v3.0')
    assert column(data, 'valid.observation.state').tolist() == [[True, False, True]] * 40
    assert column(data, 'valid.action').tolist() == [[True, False, True]] * 40
    state, action = column(data, 'observation.state'), column(data, 'action')
    np.testing.assert_allclose(np.diff(state[:, 0]), 0.05, atol=0.021)
    np.testing.assert_allclose(state[:, 2], state[:, 0] + 1, atol=1e-6)
    assert not state[:, 1].any() and not action[:, 1].any()
    assert action[:, 0].min() >= 10
    np.testing.assert_allclose(column(data, 'timestamp'), np.arange(40) / 20, atol=1e-6)
    assert pq.read_table(data / 'meta/tasks.parquet').to_pylist() == [
        {'task_index': 0, 'task': 'wave'}
    ]


def test_frames_are_those_of_the_camera_within_the_codec_and_black_where_there_is_none(
    tmp_path, cross, convert
):
    bag = record_left(tmp_path / 'bag')
    convert('--description', cross, '--robot', 'left', bag, '--image-size', SIZE)
    front, absent = frames(tmp_path / 'data', 1), frames(tmp_path / 'data', 0)
    assert [time for time, _ in front] == pytest.approx([k / 20 for k in range(40)], abs=1e-5)
    for k, (_, image) in enumerate(front):
        newest = picture(int(k / 20 * 15 + 1e-6))
        assert np.abs(image.astype(int) - newest).mean() < 4
    assert len(absent) == 40 and not any(image.any() for _, image in absent)


def test_two_robots_share_a_dataset_and_statistics_count_valid_entries_only(
    tmp_path, cross, convert
):
    left, right = record_left(tmp_path / 'l'), record_right(tmp_path / 'r', seconds=3.0)
    options = ('--description', cross)
    assert convert(*options, '--robot', 'left', left, '--image-size', SIZE)[0] == 0
    assert convert(*options, '--robot', 'right', right)[0] == 0
    data = tmp_path / 'data'
    metadata = load_metadata(data)
    assert [(e.robot, e.steps) for e in metadata.episodes] == [('left', 40), ('right', 60)]
    assert column(data, 'index', 1)[0] == 40 and column(data, 'episode_index', 1)[0] == 1
    states = [column(data, 'observation.state', episode) for episode in (0, 1)]
    both = np.concatenate([states[0][:, 0], states[1][:, 0]])
    stats = json.loads((data / 'meta/stats.json').read_text())
    state = stats['observation.state']
    assert state['count'] == [100] and state['valid_count'] == [100, 60, 40]
    expected = {
        'mean': [both.mean(), states[1][:, 1].mean(), states[0][:, 2].mean()],
        'std': [both.std(), states[1][:, 1].std(), states[0][:, 2].std()],
        'min': [both.min(), states[1][:, 1].min(), states[0][:, 2].min()],
        'max': [both.max(), states[1][:, 1].max(), states[0][:, 2].max()],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(state[name], values, rtol=1e-6, err_msg=name)
    assert np.shape(stats['observation.images.rgb_0']['mean']) == (3, 1, 1)


def test_a_slot_that_no_robot_has_gets_mean_0_and_std_1(tmp_path, convert):
    bag = record_left(tmp_path / 'bag')
    assert convert(bag, robot=LEFT)[0] == 0
    stats = json.loads((tmp_path / 'data/meta/stats.json').read_text())
    assert (stats['action']['mean'][1], stats['action']['std'][1]) == (0.0, 1.0)
    camera = stats['observation.images.rgb_0']
    assert (camera['mean'], camera['std']) == ([[[0.0]]] * 3, [[[1.0]]] * 3)


def test_a_robot_that_fits_is_added_later_and_one_that_does_not_is_refused_by_name(
    tmp_path, cross, convert
):
    small = RIGHT.replace('robot: right', 'robot: small').replace(', 1: v', '')
    small = small.replace(', v: {position: none, velocity: 1.0}', '')
    wide = RIGHT.replace('robot: right', 'robot: wide').replace('1: v', '3: v')
    for name, text in (('small', small), ('wide', wide)):
        (tmp_path / f'{name}.yaml').write_text(text)
    bag = record_right(tmp_path / 'r')
    assert convert('--description', cross, '--robot', 'right', bag, '--image-size', SIZE)[0] == 0
    assert convert('--description', tmp_path / 'small.yaml', bag)[0] == 0
    code, _, error = convert('--description', tmp_path / 'wide.yaml', bag)
    assert code == 1
    assert "'wide' uses JOINT_POSITIONS index 3 ('v'); the layout has width 3 (0..2)" in error
    metadata = load_metadata(tmp_path / 'data')
    assert list(metadata.descriptions.input) == ['left', 'right', 'small']
    assert [episode.robot for episode in metadata.episodes] == ['right', 'small']


def test_a_robot_whose_description_changed_is_refused(tmp_path, cross, convert):
    bag = record_left(tmp_path / 'bag')
    convert('--description', cross, '--robot', 'left', bag, '--image-size', SIZE)
    (tmp_path / 'left.yaml').write_text(LEFT.replace('2: c', '1: c'))
    code, _, error = convert('--description', tmp_path / 'left.yaml', bag)
    assert code == 1 and "'left' was described otherwise there" in error
    assert "input JOINT_POSITIONS index 1 was empty and is 'c'; and " in error
    assert '{' not in error


def test_a_robot_without_episodes_may_still_change_if_the_columns_stay(tmp_path, cross, convert):
    left, right = record_left(tmp_path / 'l'), record_right(tmp_path / 'r')
    convert('--description', cross, '--robot', 'left', left, '--image-size', SIZE)
    (tmp_path / 'right.yaml').write_text(RIGHT.replace('1: v', '2: v'))
    assert convert('--description', tmp_path / 'right.yaml', right)[0] == 0
    assert column(tmp_path / 'data', 'valid.action', 1)[0].tolist() == [True, False, True]


def test_rate_and_image_size_are_fixed_by_the_first_convert(tmp_path, cross, convert):
    options = ('--description', cross, '--robot', 'left')
    first, second = record_left(tmp_path / 'a'), record_left(tmp_path / 'b', start=10.0)
    convert(*options, first, '--image-size', SIZE, '--rate-hz', 10)
    code, _, error = convert(*options, second, '--rate-hz', 30)
    assert code == 1 and 'was made with --rate-hz 10, which cannot become 30' in error
    code, _, error = convert(*options, second, '--image-size', 32)
    assert code == 1 and 'was made with --image-size 64x48, which cannot become 32x32' in error
    assert convert(*options, second)[0] == 0
    assert [episode.steps for episode in load_metadata(tmp_path / 'data').episodes] == [20, 20]


def test_nothing_is_fixed_while_there_is_no_episode(tmp_path, cross, convert):
    bag = record_left(tmp_path / 'bag', seconds=0.2)
    options = ('--description', cross, '--robot', 'left', bag, '--image-size')
    code, out, error = convert(*options, 32)
    assert code == 1 and '1 short piece dropped (4 steps)' in out and 'no episode' in error
    assert convert(*options, SIZE, '--min-steps', 4)[0] == 0


def test_a_reason_that_many_recordings_fail_for_is_said_once(tmp_path, convert):
    (tmp_path / 'numbers.yaml').write_text(NUMBERS.replace('/joint_states', '/joints'))
    bags = [
        write_bag(tmp_path / f'bag_{n}', joint_states(1.0 + n), 'mcap' if n % 2 else 'sqlite3')
        for n in range(3)
    ]
    none = tmp_path / 'none'
    code, _, error = convert('--description', tmp_path / 'numbers.yaml', *bags, none)
    lines = error.splitlines()
    assert code == 1 and len(lines) == 4
    assert '/joints' in lines[0] and 'is not in the bag; did you mean /joint_states' in lines[0]
    for line, bag in zip(lines[1:3], bags[1:], strict=True):
        assert line == f'neuracore_ros convert: {bag}: fails for the same reason as {bags[0]}'
    assert 'no such bag' in lines[3]


def test_what_was_converted_is_skipped_even_if_it_was_moved(tmp_path, cross, convert):
    bag = record_left(tmp_path / 'bag')
    options = ('--description', cross, '--robot', 'left')
    convert(*options, bag, '--image-size', SIZE)
    moved = shutil.move(bag, tmp_path / 'elsewhere')
    for name in (moved, moved / 'bag.mcap'):
        code, out, _ = convert(*options, name)
        assert code == 0 and out.count('skipped, already in the dataset (1 episode)') == 1
    assert len(load_metadata(tmp_path / 'data').episodes) == 1


def test_short_pieces_are_dropped_and_counted(tmp_path, convert):
    messages = joint_states(1.0) + joint_states(0.1, start=2.0) + joint_states(1.0, start=3.0)
    bag = write_bag(tmp_path / 'bag', messages)
    code, out, _ = convert(bag, '--json')
    report = json.loads(out)['bags'][0]
    assert code == 0 and len(report['episodes']) == 2
    assert (report['short_pieces'], report['short_steps']) == (1, 6)
    second = load_metadata(tmp_path / 'data').episodes[1]
    assert second.dropped['short piece'] == 6 and second.dropped['JOINT_POSITIONS a, c: stale'] > 0
    assert report['ticks'] == report['ticks_unusable'] + report['steps'] + 6


def test_pieces_that_are_all_short_name_what_ended_them(tmp_path, convert):
    slow = [m for m in joint_states(20.0) if m[2] % 10**10 % 10**9 < 10**8]
    code, _, error = convert(write_bag(tmp_path / 'bag', slow))
    assert code == 1
    assert 'most often: ' in error and "'a' (JOINT_POSITIONS index 0) is" in error
    assert 'max_age_s is 0.2' in error


def test_the_audit_tells_of_every_declared_stream(tmp_path, cross, convert):
    streams = joint_states(4.0) + images(4.0) + trajectories(1.0, start=3.0)
    bag = write_bag(tmp_path / 'bag', streams)
    options = ('--description', cross, '--robot', 'left', bag, '--image-size', SIZE)
    code, out, _ = convert(*options, '--json')
    joints, camera, commands = json.loads(out)['streams']
    assert code == 0
    assert (joints['topic'], joints['samples'], joints['rate_hz']) == ('/joint_states', 200, 50.0)
    assert joints['longest_gap_s'] == pytest.approx(0.02)
    assert 0 <= joints['age_s_p50'] <= joints['age_s_p95'] <= joints['age_s_max'] < 0.021
    assert (camera['samples'], camera['names'], camera['role']) == (60, ['front'], 'input')
    assert (commands['samples'], commands['drops']) == (25, {})
    assert json.loads(out)['bags'][0]['notes'] == [
        '/arm/joint_trajectory (output) starts 3.0 s after /joint_states'
    ]
    code, out, _ = convert(*options, dataset='again')
    assert 'age p50' in out and '/front/image_raw' in out and 'starts 3.0 s after' in out


def test_a_missing_topic_names_the_nearest_with_type_and_names(tmp_path, convert):
    bag = write_bag(tmp_path / 'bag', joint_states(1.0, topic='/arm/joint_state'))
    code, _, error = convert(bag)
    assert code == 1
    assert "/joint_states (JOINT_POSITIONS 'a' of" in error
    assert (
        'did you mean /arm/joint_state (sensor_msgs/msg/JointState, 50 messages; names a, c)?'
        in error
    )


def test_a_relative_topic_that_was_recorded_in_a_namespace_gives_the_option(tmp_path, convert):
    text = NUMBERS.replace('topic: /joint_states', 'topic: joint_states')
    bag = write_bag(tmp_path / 'bag', joint_states(1.0, topic='/cell/ur5/joint_states'))
    code, _, error = convert(bag, robot=text)
    assert code == 1 and 'did you mean --namespace /cell/ur5?' in error
    assert convert(bag, '--namespace', '/cell/ur5', robot=text)[0] == 0


def test_a_stream_without_the_declared_name_is_an_error_that_names_what_there_is(
    tmp_path, convert
):
    bag = write_bag(tmp_path / 'bag', joint_states(1.0, names=['a', 'c_joint']))
    code, out, error = convert(bag)
    assert code == 1
    assert "/joint_states lacks 'c' (JOINT_POSITIONS index 2" in error
    assert error.count('c_joint') == 1 and 'It has: c_joint, a' in error
    assert 'samples' in out, 'the audit is printed all the same'


def test_a_message_type_that_differs_gives_the_line_to_write(tmp_path, convert):
    text = LEFT.replace('front/image_raw}', 'front/image_raw/compressed}')
    streams = joint_states(1.0) + trajectories(1.0)
    streams += images(1.0, topic='/front/image_raw/compressed')
    code, _, error = convert(write_bag(tmp_path / 'bag', streams), robot=text)
    assert code == 1
    assert (
        'write under sources: RGB_IMAGES: {front: {topic: /front/image_raw/compressed, '
        'type: sensor_msgs/msg/Image}}'
    ) in error


def test_a_type_that_holds_nothing_of_the_kind_is_refused(tmp_path, convert):
    bag = write_bag(tmp_path / 'bag', [('/joint_states', Messages().string('hello'), at(0))])
    code, _, error = convert(bag)
    assert code == 1 and 'holds std_msgs/msg/String' in error and 'can be read from' in error


def test_stamps_of_another_clock_are_told_with_the_cure(tmp_path, convert):
    messages = Messages()
    early = [
        ('/joint_states', messages.joints(at(t) - at(0) + 1, a=t, c=t), at(t))
        for t in np.arange(40) / 20
    ]
    bag = write_bag(tmp_path / 'bag', early)
    description = describe(tmp_path, numbers=NUMBERS)
    code, _, error = convert('--description', description, bag)
    assert code == 1 and 'stamp: receive' in error
    text = NUMBERS.replace('/joint_states}', '/joint_states, stamp: receive}')
    assert convert(bag, robot=text)[0] == 0


def test_a_stream_that_is_always_stale_is_an_error_with_its_figures(tmp_path, convert):
    text = NUMBERS.replace('/joint_states}', '/joint_states, max_age_s: 0.001}')
    messages = Messages()
    late = [('/joint_states', messages.joints(at(t), a=t, c=t), at(t + 0.01)) for t in range(9)]
    bag = write_bag(tmp_path / 'bag', late)
    code, _, error = convert(bag, robot=text)
    assert code == 1 and 'none of 161 ticks is usable' in error and 'stale 161' in error
    assert 'max_age_s is 0.001. It arrived 0.01 s late' in error


def test_one_bad_bag_does_not_keep_the_others_out(tmp_path, convert):
    good = write_bag(tmp_path / 'good', joint_states(1.0))
    code, out, error = convert(tmp_path / 'goof', good)
    assert code == 1 and 'goof: no such bag; did you mean' in error
    assert '1 episode' in out and len(load_metadata(tmp_path / 'data').episodes) == 1


def test_a_message_that_does_not_fit_its_type_is_left_out_and_told(tmp_path, convert):
    bag = tmp_path / 'bag'
    with Ros2Writer(bag, version=9) as writer:
        kind = 'sensor_msgs/msg/JointState'
        connection = writer.add_connection('/joint_states', kind, typestore=ROS2)
        for _, message, log_ns in joint_states(1.0) + joint_states(0.5, start=1.1):
            writer.write(connection, log_ns, ROS2.serialize_cdr(message, kind))
        writer.write(connection, at(1.05), b'\x00\x01\x00\x00\x07')
    code, out, _ = convert(bag)
    assert code == 0 and '1 episode, 32 steps' in out
    assert f'lost: /joint_states: 1 messages are not of their type {kind}' in out


def test_a_folder_that_is_something_else_is_left_alone(tmp_path, convert):
    bag = write_bag(tmp_path / 'bag', joint_states(1.0))
    code, _, error = convert(bag, dataset='bag')
    assert code == 1 and 'exists, but is not a dataset of neuracore_ros' in error
    assert sorted(p.name for p in bag.iterdir()) == ['bag.mcap', 'metadata.yaml']


def test_a_description_without_sources_cannot_be_converted(tmp_path, convert):
    plain = tmp_path / 'plain.yaml'
    plain.write_text('left: {JOINT_POSITIONS: {0: a}}\n')
    bag = write_bag(tmp_path / 'bag', joint_states(1.0))
    code, _, error = convert('--description', plain, '--robot', 'left', bag)
    assert code == 1 and 'without sources: give its robot file' in error
    assert not (tmp_path / 'data').exists()


def test_the_robot_must_be_said_where_there_are_several(tmp_path, cross, convert):
    bag = write_bag(tmp_path / 'bag', joint_states(1.0))
    code, _, error = convert('--description', cross, bag)
    assert code == 1 and '--robot left | right' in error
    code, _, error = convert('--description', cross, '--robot', 'lift', bag)
    assert code == 1 and "no robot 'lift'" in error and 'left' in error


def test_two_converts_into_one_dataset_at_once_are_kept_apart(tmp_path, convert):
    first = write_bag(tmp_path / 'a', joint_states(1.0))
    second = write_bag(tmp_path / 'b', joint_states(1.0, start=5.0))
    convert(first)
    with open_dataset(tmp_path / 'data', load_metadata(tmp_path / 'data')):
        code, _, error = convert(second)
    assert code == 1 and 'another convert (process' in error
    assert convert(second)[0] == 0


@pytest.mark.parametrize(
    'option', [('--image-size', '225'), ('--rate-hz', '0'), ('--min-steps', '-1')]
)
def test_wrong_usage_exits_with_2(tmp_path, cross, option, capsys):
    with pytest.raises(SystemExit) as caught:
        main(['convert', str(tmp_path / 'd'), 'bag', '--description', str(cross), *option])
    assert caught.value.code == 2


@pytest.mark.parametrize('text', ['', '{', '{"format": 7}', '[]', '{"format": 1}'])
def test_damaged_metadata_is_one_line(tmp_path, convert, text):
    bag = write_bag(tmp_path / 'bag', joint_states(1.0))
    convert(bag)
    (tmp_path / 'data/meta/neuracore_ros.json').write_text(text)
    code, _, error = convert(bag)
    assert code == 1 and 'neuracore_ros.json' in error and error.count('\n') == 1


def test_a_recording_that_is_given_twice_is_converted_once(tmp_path, cross, convert):
    bag = record_left(tmp_path / 'bag')
    (tmp_path / 'link').symlink_to(bag)
    names = [bag, f'{tmp_path}/../{tmp_path.name}/bag', tmp_path / 'link', bag / 'bag.mcap']
    options = ('--description', cross, '--robot', 'left', '--image-size', SIZE, '--json')
    code, out, err = convert(*names, *options)
    assert code == 0
    assert err.splitlines()[0].endswith('bag (and 2 more): given more than once, converted once')
    assert [entry['episodes'] for entry in json.loads(out)['bags']] == [[0]]

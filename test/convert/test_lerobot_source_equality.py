"""Numbers, pixels and tasks of a LeRobot dataset are those that LeRobot's own reader gives."""

import shutil
from types import SimpleNamespace

import av
import numpy as np
import pytest

from helpers.lerobot_datasets import TASKS, write_lerobot
from helpers.lerobot_processes import run_script
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.cli.main import main
from neuracore_ros.loading.batches import Batches
from neuracore_ros.observation.decode import decode_image

STATE, ACTION = 'observation.state', 'action'
JOINTS = ['shoulder.pos', 'elbow.pos', 'gripper.pos']
FRONT, WRIST = 'observation.images.front', 'observation.images.wrist'
ROBOT = """
robot: arm
limits:
  shoulder: {position: [-3.2, 3.2], velocity: 2.0}
  elbow: {position: [-3.2, 3.2], velocity: 2.0}
  gripper: {position: [-3.2, 3.2], velocity: 2.0}
input:
  JOINT_POSITIONS: {0: shoulder, 1: elbow, 3: gripper}
  RGB_IMAGES: [front, wrist]
  LANGUAGE: [task]
output: {JOINT_TARGET_POSITIONS: {0: shoulder, 1: elbow, 3: gripper}}
sources:
  JOINT_POSITIONS: {topic: observation.state, names: NAMES}
  RGB_IMAGES:
    front: {topic: observation.images.front}
    wrist: {topic: observation.images.wrist}
  LANGUAGE: {task: {topic: task}}
  JOINT_TARGET_POSITIONS: {topic: action, names: NAMES}
commands: {JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}}
"""
NAMES = '{shoulder: shoulder.pos, elbow: elbow.pos, gripper: gripper.pos}'
SLOTS = [0, 1, 3]
RGB = 'observation.images.rgb_{}'
LOSSY = 8


def numbers(shift):
    return lambda episode, k: np.sin((k + shift) / 7 + episode + np.arange(3)).astype(np.float32)


SMALL = {'joints': JOINTS, 'numbers': (numbers(0), numbers(1))}
KINDS = {
    'written by LeRobot': None,
    'h264': SMALL,
    'hevc, two files': SMALL | {'codec': 'libx265', 'per_file': 2},
    'av1, nested names': SMALL | {'codec': 'libsvtav1', 'form': 'nested'},
    'B-frames': SMALL | {'options': {'bf': '2', 'g': '12'}},
    'images in the table': SMALL | {'dtype': 'image', 'form': 'dict'},
    'v2.1': SMALL | {'version': 'v2.1'},
    'v2.1 with AV1': SMALL | {'version': 'v2.1', 'codec': 'libsvtav1'},
}
MIXED = ('h264', 'av1, nested names', 'images in the table', 'hevc, two files')


@pytest.fixture(scope='module')
def compared(tmp_path_factory, lerobot_python):
    """Each dataset, what we convert it to, and what LeRobot reads of both."""
    folder = tmp_path_factory.mktemp('equality')
    (folder / 'arm.yaml').write_text(ROBOT.replace('NAMES', NAMES))
    sources, words = {}, []
    for place, (kind, options) in enumerate(KINDS.items()):
        root = folder / f'source{place}'
        if options is None:
            run_script(lerobot_python, 'lerobot_source', 'write', root)
        else:
            write_lerobot(root, **options)
        readable = root
        if kind.startswith('v2.1'):
            readable = shutil.copytree(root, folder / f'upgraded{place}')
            run_script(lerobot_python, 'lerobot_source', 'upgrade', readable)
        converted(folder / f'ours{place}', folder, root)
        sources[kind] = root
        for read in (readable, folder / f'ours{place}'):
            words += [read, read.with_suffix('.npz')]
    converted(folder / 'mixed', folder, *(sources[kind] for kind in MIXED))
    words += [folder / 'mixed', folder / 'mixed.npz']
    run_script(lerobot_python, 'lerobot_source', 'read', *words)
    datasets, outs = words[::2], [dict(np.load(out)) for out in words[1::2]]
    found = {
        kind: SimpleNamespace(
            root=root,
            theirs=outs[2 * place],
            data=datasets[2 * place + 1],
            ours=outs[2 * place + 1],
        )
        for place, (kind, root) in enumerate(sources.items())
    }
    found['mixed'] = SimpleNamespace(data=datasets[-1], ours=outs[-1])
    return found


def converted(data, folder, *roots):
    words = ['--description', folder / 'arm.yaml', '--rate-hz', 30, '--image-size', '64x48']
    words += ['--min-steps', 5]
    assert main(['convert', *map(str, [data, *roots, *words])]) == 0


@pytest.mark.parametrize('kind', KINDS)
def test_the_messages_of_an_episode_are_the_rows_that_lerobot_reads(compared, kind):
    theirs = compared[kind].theirs
    for episode in range(3):
        rows = np.flatnonzero(theirs['episode_index'] == episode)
        found = {topic: [] for topic in (STATE, ACTION, FRONT, WRIST, 'task')}
        with open_bag(compared[kind].root / f'episode_{episode:06d}') as bag:
            assert bag.task == TASKS[episode % 2]
            for message in bag.read(found):
                found[message.topic].append(value(message.message))
            assert not bag.losses
        for topic, values in found.items():
            np.testing.assert_array_equal(np.array(values), theirs[topic][rows], topic)


def value(message):
    """Numbers, text or pixels of a message, as a reader of ROS finds them."""
    if hasattr(message, 'position'):
        return np.array(message.position, np.float32)
    if hasattr(message, 'height'):
        pixels = np.frombuffer(message.data, np.uint8)
        return pixels.reshape(message.height, message.width, 3)
    return decode_image(message) if hasattr(message, 'format') else message.data


@pytest.mark.parametrize('kind', KINDS)
def test_a_converted_dataset_is_what_lerobot_reads_of_its_source(compared, kind):
    theirs, ours = compared[kind].theirs, compared[kind].ours
    for key in (STATE, ACTION):
        np.testing.assert_array_equal(ours[key][:, SLOTS], theirs[key], key)
        assert not ours[key][:, 2].any()
    for key in ('task', 'episode_index', 'frame_index', 'timestamp'):
        np.testing.assert_array_equal(ours[key], theirs[key], key)
    for index, key in enumerate((FRONT, WRIST)):
        given, wanted = ours[RGB.format(index)], theirs[key]
        if [*compared[kind].root.glob(f'videos/**/{key}')]:
            np.testing.assert_array_equal(given, wanted, key)
        else:  # encoded once
            assert np.abs(given.astype(int) - wanted).mean() < LOSSY
    assert_training_reads(compared[kind].data, ours)


def assert_training_reads(data, theirs):
    """Batches, whose frames are decoded one by one, hold the same."""
    batches = Batches(data)
    rows = np.random.default_rng(0).permutation(len(theirs['index']))
    images = batches.take(rows, 1, 1).inputs['RGB_IMAGES'][:, 0]
    for index in range(2):
        np.testing.assert_array_equal(images[:, index], theirs[RGB.format(index)][rows])


def test_frames_of_several_codecs_are_one_dataset(compared):
    data, ours = compared['mixed'].data, compared['mixed'].ours
    codecs = []
    for path in sorted((data / 'videos' / RGB.format(0)).rglob('*.mp4')):
        with av.open(str(path)) as container:
            codecs.append(container.streams.video[0].codec_context.codec.canonical_name)
    assert codecs == ['h264'] * 3 + ['av1'] * 3 + ['h264'] * 3 + ['hevc'] * 3
    wanted = np.concatenate([compared[kind].theirs[FRONT] for kind in MIXED])
    is_copied = np.repeat([True, True, False, True], len(wanted) // len(MIXED))
    np.testing.assert_array_equal(ours[RGB.format(0)][is_copied], wanted[is_copied])
    assert_training_reads(data, ours)

"""`neuracore_ros record`, on a simulated robot that a scripted expert moves."""

import json
import os
import pty
import select
import signal
import sys
import time
from pathlib import Path

import pytest
import yaml
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from helpers import scripted_nodes
from helpers.live_robot import UR5, Running, simulated_ur5, until_published
from helpers.waiting import stays
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.control import Commander, Control

TOPICS = {'/joint_states', '/overhead/image_raw', '/arm_controller/joint_trajectory', '/clock'}
MARKER = '/record/episode'


@pytest.fixture(scope='module')
def world(domain):
    with simulated_ur5('--speed', 3) as world:
        yield world


@pytest.fixture
def record(begin):
    def start(folder, *options, robot=UR5):
        words = ['record', robot, '--out', folder, '--use-sim-time', *options]
        return begin('neuracore_ros.cli.main', *words)

    return start


def words(bag, topic=MARKER):
    return [recorded.message.data for recorded in bag.read([topic])]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_services_start_and_stop_an_episode_of_all_declared_topics(world, record, tmp_path):
    recorder = record(tmp_path, '--services')
    world.call(SetBool, 'sim/expert', data=True)
    assert world.call(Trigger, 'record/stop').message == 'nothing is being recorded'
    ready = 'ready: ros2 service call /record/start std_srvs/srv/Trigger; likewise /record/stop'
    world.until(lambda: ready in recorder.output, 'the line that says so')
    path = Path(world.call(Trigger, 'record/start').message)
    assert path == tmp_path / 'episode_000'
    assert not world.call(Trigger, 'record/start').success
    stays(lambda: not path.exists(), 1.0, 'no bag')
    answer = world.call(Trigger, 'record/stop')
    assert answer.success, answer.message
    told = json.loads(answer.message)
    assert told['path'] == str(path)
    with open_bag(path) as bag:
        counts = {name: topic.count for name, topic in bag.topics.items() if name != MARKER}
        assert counts.keys() == TOPICS
        assert counts == told['counts']
        assert all(counts.values())
        assert words(bag) == ['start', 'stop']
        # Log times are simulated ones: 100 joint states a second, not 300 as on the wall.
        assert told['counts']['/joint_states'] / told['duration_s'] == pytest.approx(100, rel=0.5)
        last = list(bag.read(['joint_states']))[-1]
        stamp = last.message.header.stamp
        assert last.log_time_ns == pytest.approx(stamp.sec * 10**9 + stamp.nanosec, abs=10**8)
    world.call(Trigger, 'record/start')
    world.let_pass(0.9)
    assert recorder.end(signal.SIGINT) == 0, recorder.output
    # What was running is there, whole; nothing else is.
    assert names(tmp_path) == ['episode_000', 'episode_001']
    with open_bag(tmp_path / 'episode_001') as bag:
        assert bag.count > 20
    assert 'Traceback' not in recorder.output
    world.call(SetBool, 'sim/expert', data=False)


def test_who_commands_is_recorded_with_the_last_word_before_and_without_a_node_nothing_is_missed(
    world, record, tmp_path
):
    recorder = record(tmp_path, '--services', '--control-of', 'lab/infer')
    qos = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    policy = Control(Commander.POLICY, 'lift.pt', 'ab').to_text()
    world.until(lambda: 'ready: ' in recorder.output, 'the line that says so')
    world.call(Trigger, 'record/start')
    world.let_pass(0.3)
    bare = Path(json.loads(world.call(Trigger, 'record/stop').message)['path'])
    with open_bag(bare) as bag:
        assert '/lab/infer/control' not in bag.topics
    assert '/lab/infer' not in recorder.output.split('ready: ')[1]
    publisher = world.node.create_publisher(String, '/lab/infer/control', qos)
    publisher.publish(String(data=policy))
    world.until(lambda: publisher.get_subscription_count() > 0, 'the recorder')
    world.let_pass(0.5)
    world.call(Trigger, 'record/start')
    publisher.publish(String(data='human'))
    world.let_pass(0.5)
    answer = json.loads(world.call(Trigger, 'record/stop').message)
    with open_bag(Path(answer['path'])) as bag:
        assert words(bag, '/lab/infer/control') == [policy, 'human']
    assert answer['counts']['/lab/infer/control'] == 2
    world.node.destroy_publisher(publisher)
    assert recorder.end(signal.SIGINT) == 0, recorder.output


def test_an_episode_may_succeed_or_leave_nothing(world, record, tmp_path):
    (tmp_path / 'episode_007').mkdir()
    recorder = record(tmp_path, '--services', '--task', 'reach the ball')
    for outcome in ('success', 'discard'):
        assert world.call(Trigger, 'record/start').success
        world.let_pass(0.9)
        answer = world.call(Trigger, f'record/{outcome}')
        assert json.loads(answer.message)['outcome'] == outcome
    assert recorder.end() == 0, recorder.output
    # Numbers go on after those that are there.
    assert names(tmp_path) == ['episode_007', 'episode_008']
    with open_bag(tmp_path / 'episode_008') as bag:
        assert words(bag) == ['start', 'success']
        assert words(bag, '/record/task') == ['reach the ball']
    metadata = yaml.safe_load((tmp_path / 'episode_008' / 'metadata.yaml').read_text())
    notes = metadata['rosbag2_bagfile_information']['custom_data']
    assert notes == {'robot': 'ur5', 'task': 'reach the ball'}
    assert f'{tmp_path}/episode_009: discarded' in recorder.output


def test_a_bag_is_read_by_another_library_without_our_definitions(world, record, tmp_path):
    make_reader = pytest.importorskip('mcap.reader').make_reader
    factory = pytest.importorskip('mcap_ros2.decoder').DecoderFactory()
    options = ['--seconds', 1, '--episodes', 1, '--also', '/sim/distance', '/sim/rejected']
    recorder = record(tmp_path, *options)
    assert recorder.wait() == 0, recorder.output
    with (tmp_path / 'episode_000' / 'episode_000.mcap').open('rb') as file:
        reader = make_reader(file, decoder_factories=[factory])
        summary = reader.get_summary()
        kinds = {c.topic: summary.schemas[c.schema_id].name for c in summary.channels.values()}
        decoded = {}
        for _, channel, _, message in reader.iter_decoded_messages():
            decoded.setdefault(channel.topic, message)
        header = reader.get_header()
    assert header.profile == 'ros2'
    assert kinds['/sim/rejected'] == 'std_msgs/msg/String'
    assert kinds.keys() == TOPICS | {MARKER, '/sim/distance', '/sim/rejected'}
    assert len(decoded['/joint_states'].position) == len(decoded['/joint_states'].name)
    image = decoded['/overhead/image_raw']
    assert len(image.data) == image.height * image.step
    assert decoded[MARKER].data == 'start'
    assert decoded['/sim/distance'].data > 0
    information = yaml.safe_load((tmp_path / 'episode_000' / 'metadata.yaml').read_text())
    information = information['rosbag2_bagfile_information']
    assert information['version'] == 9
    assert information['storage_identifier'] == 'mcap'
    assert information['relative_file_paths'] == ['episode_000.mcap']
    offered = {
        t['topic_metadata']['name']: t['topic_metadata']['offered_qos_profiles']
        for t in information['topics_with_message_count']
    }
    # A player must offer it to late subscribers, as it was offered to us.
    assert offered['/sim/rejected'][0]['durability'] == 'transient_local'


def test_a_full_disk_ends_the_episode_and_keeps_it(world, record, tmp_path):
    limit = 'import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000)); '
    ignore = 'import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); '
    main = 'import sys; from neuracore_ros.cli.main import main; sys.exit(main())'
    script = tmp_path / 'limited.py'
    script.write_text(limit + ignore + main)
    out = tmp_path / 'bags'
    options = ['--use-sim-time', '--seconds', 60, '--episodes', 1]
    recorder = Running(str(script), 'record', UR5, '--out', out, *options)
    assert recorder.wait() == 0, recorder.output
    # A stream that a busy machine delays may be told of, too.
    (line,) = [line for line in recorder.lines if line.startswith(f'warning: {out}')]
    assert line.startswith(f'warning: {out}/episode_000: File too large: the episode was stopped')
    assert 'Traceback' not in recorder.output
    with open_bag(out / 'episode_000') as bag:
        assert bag.topics['/joint_states'].count > 10


def test_episodes_of_a_length_follow_each_other_and_a_silent_topic_is_told(
    world, record, tmp_path
):
    robot = tmp_path / 'ur5.yaml'
    text = UR5.read_text().replace('overhead/image_raw', 'nowhere/image_raw')
    robot.write_text(text.replace('elbow_joint', 'ellbow_joint'))
    out = tmp_path / 'bags'
    recorder = record(out, '--seconds', 1, '--episodes', 2, robot=robot)
    assert recorder.wait() == 0, recorder.output
    assert names(out) == ['episode_000', 'episode_001']
    assert recorder.output.count('/nowhere/image_raw is silent: nobody publishes it') == 1
    assert 'nothing was heard' in recorder.output
    assert "lacks 'ellbow_joint' (JOINT_POSITIONS index 3; did you mean 'elbow_joint'?)" in (
        recorder.output
    )


def test_a_stream_that_falls_silent_is_told_at_once_and_when_it_is_back(world, record, tmp_path):
    recorder = record(tmp_path, '--services')
    world.call(Trigger, 'record/start')
    world.set('sim', joints_frozen=True)
    silent = '/joint_states is silent: no message for more than 1 s'
    world.until(lambda: silent in recorder.output, 'a line about silence')
    world.set('sim', joints_frozen=False)
    world.until(lambda: '/joint_states is back' in recorder.output, 'a line about its return')
    assert recorder.end() == 0, recorder.output


def test_a_driver_that_is_restarted_while_frames_are_lost_does_no_harm(world, begin, tmp_path):
    elsewhere = ['--ros-args', '-r', 'overhead/image_raw:=fickle/image_raw']
    begin(Path(scripted_nodes.__file__), 'fickle', *elsewhere)
    until_published(world.node, 'fickle/image_raw')
    until_published(world.node, 'fickle/image_raw')
    robot = tmp_path / 'ur5.yaml'
    robot.write_text(UR5.read_text().replace('overhead/image_raw', 'fickle/image_raw'))
    words = ['record', robot, '--out', tmp_path / 'bags', '--seconds', 6, '--episodes', 1]
    recorder = begin('neuracore_ros.cli.main', *words)
    assert recorder.wait() == 0, recorder.output
    assert 'lost on the way' in recorder.output


def test_keys_start_and_end_episodes(world, tmp_path):
    words = ['record', str(UR5), '--out', str(tmp_path), '--use-sim-time']
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, '-m', 'neuracore_ros.cli.main', *words])
    said = ''

    def until(text):
        nonlocal said
        end_s = time.monotonic() + 30.0
        while text not in said:
            assert time.monotonic() < end_s, said
            if select.select([terminal], [], [], 0.1)[0]:
                said += os.read(terminal, 65536).decode()

    try:
        until('space: start/stop   y: success   d: discard   q: end')
        for key, answer in (
            (b'y', 'warning: nothing is being recorded'),
            (b' ', 'episode_000  '),
            (b'y', ', success'),
            (b's', 'episode_001  '),
            (b'd', 'episode_001: discarded'),
            (b's', 'recording '),
            (b'q', 'overhead/image_raw'),
        ):
            said = ''
            os.write(terminal, key)
            until(answer)
            world.let_pass(0.6)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
        process = 0
    finally:
        if process:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        os.close(terminal)
    assert names(tmp_path) == ['episode_000', 'episode_001']


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        ([], 'give --seconds or --services'),
        (['--seconds', '1', '--also', '/sim/distanse'], 'did you mean /sim/distance?'),
        (['--services', '--namespace', 'my robot'], "--namespace 'my robot' is none"),
    ],
)
def test_what_cannot_be_recorded_is_one_line(world, record, tmp_path, options, says):
    recorder = record(tmp_path, *options)
    assert recorder.wait() == 1
    (line,) = recorder.lines
    assert says in line


# The last, since the services of a killed node seem to be there for a while.
def test_a_killed_recorder_leaves_what_it_wrote_to_the_next_one(world, record, tmp_path):
    recorder = record(tmp_path, '--services')
    world.call(Trigger, 'record/start')
    world.let_pass(9.0)
    assert recorder.end(signal.SIGKILL) == -signal.SIGKILL
    next_one = record(tmp_path, '--seconds', 1, '--episodes', 1)
    assert next_one.wait() == 0, next_one.output
    assert f'{tmp_path}/episode_000: rescued' in next_one.output
    assert names(tmp_path) == ['episode_000', 'episode_001']
    with open_bag(tmp_path / 'episode_000') as bag:
        assert words(bag) == ['start']
        # At least six of the nine seconds.
        assert bag.topics['/joint_states'].count > 300
        assert sum(1 for _ in bag.read(['overhead/image_raw'])) > 60

"""The node over real DDS, with a simulated UR5 that obeys as a real controller would."""

import json

import pytest
import torch
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Float64, String

from helpers.live_robot import DEFAULTS, UR5
from helpers.small_policies import HORIZON, manifest, write_policy
from helpers.waiting import stays
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.training.graph import write_onnx, write_openvino

SWEEP = {'speed': 0.02}  # rad a step, 0.4 rad/s
ENABLE = "waits for: ros2 service call /infer/enable std_srvs/srv/SetBool '{data: true}'"


def next_of(world):
    """What the node says ends its state; the runner's own tests hold it to that."""
    return world.diagnostics['infer: inference']['next']


def test_it_moves_the_robot_and_holds_it_when_it_is_deactivated(run):
    world = run(behaviour=SWEEP)
    world.until_state('RUNNING')
    world.until_moving()
    assert world.change('deactivate')
    world.until_still(1.0)
    assert world.lifecycle() == 'inactive'
    world.sends_nothing(0.3)
    assert world.change('activate')
    world.until_moving()


def test_a_first_action_too_far_away_is_refused_by_joint_value_and_distance(run):
    world = run(behaviour={'ahead': 0.9})
    world.until_state('HOLDING', 'shoulder_pan_joint')
    assert '0.9' in world.reason
    stays(lambda: world.commands == [] or abs(world.speed()) < 1e-4, 0.3, 'no motion')


def test_joints_that_stop_hold_the_robot_in_time_and_it_goes_on_by_itself(run):
    world = run(behaviour=SWEEP)
    world.until_moving()
    world.set('sim', joints_frozen=True)
    before = world.positions
    # max_age_s is 0.2 and a step 0.05; the rest is for two processes to be scheduled.
    assert world.until_state('HOLDING', 'joint_states') < 0.2 + 0.05 + 0.25
    world.stays('HOLDING', 0.5)
    world.set('sim', joints_frozen=False)
    world.until_state('RUNNING')
    # 0.25 s at 0.4 rad/s, and as long again to brake.
    assert abs(world.motion[-1][1][0] - before[0]) < 0.5
    world.until_moving()


def test_a_robot_whose_slider_is_turned_down_is_held_until_it_is_up_again(run):
    world = run(behaviour=SWEEP)
    slider = world.node.create_publisher(
        Float64, 'speed_scaling_state_broadcaster/speed_scaling', 10
    )
    try:
        slider.publish(Float64(data=100.0))
        world.until_moving()
        world.until(slider.get_subscription_count, 'the node listens')
        slider.publish(Float64(data=50.0))
        world.until_state('HOLDING', 'runs at 50 % of its speed')
        world.until_still(0.7)
        assert 'min_speed_scaling (0.95)' in world.reason
        assert world.diagnostics['infer: inference']['speed_scaling'] == '0.50'
        slider.publish(Float64(data=100.0))
        world.until_state('RUNNING')
        world.until_moving()
    finally:
        world.node.destroy_publisher(slider)


def test_a_camera_that_stops_holds_the_robot(run):
    world = run(behaviour=SWEEP)
    world.until_moving()
    world.set('sim', cameras_off=True)
    assert world.until_state('HOLDING', 'overhead/image_raw') < 0.5 + 0.05 + 0.25
    world.until_still(0.7)
    assert world.diagnostics['infer: overhead/image_raw']['level'] == b'\x03'
    world.set('sim', cameras_off=False)
    world.until_state('RUNNING')


def test_with_manual_rearm_it_waits_for_enable(run):
    world = run(behaviour=SWEEP, rearm='manual')
    world.until_moving()
    world.set('sim', cameras_off=True)
    world.until_state('HOLDING')
    world.set('sim', cameras_off=False)
    world.stays('HOLDING', 0.7)
    assert world.enable(True).success
    world.until_state('RUNNING')


@pytest.mark.parametrize(
    ('fault', 'said'), [('nan', 'nan'), ('raise', 'raised on purpose'), ('shape', '(1, 5, 7)')]
)
def test_a_model_that_fails_holds_the_robot_until_it_is_enabled(run, fault, said):
    world = run(behaviour={**SWEEP, 'fault': fault, 'at': 4})
    world.until_state('HOLDING', said)
    world.until_still(0.7)
    assert next_of(world) == ENABLE
    assert world.enable(True).success
    world.until_state('RUNNING')
    world.until_moving()


def test_a_model_that_takes_too_long_stops_the_robot_before_its_plan_ends_in_motion(run):
    world = run(behaviour={**SWEEP, 'fault': 'slow', 'at': 4})
    world.until_state('HOLDING', 'late')
    world.until_still(0.7)
    assert int(world.diagnostics['infer: inference']['late']) >= 1
    world.until_state('RUNNING')


def test_a_model_that_is_still_running_does_not_hinder_a_cleanup(run):
    world = run(behaviour={**SWEEP, 'fault': 'slow', 'at': 1})
    world.until_state('WAITING', 'prediction')
    assert world.change('deactivate')
    assert world.change('cleanup')
    # In this time the answer comes that nobody waits for.
    stays(lambda: world.lifecycle() == 'unconfigured', 3.0, 'unconfigured')


def test_disable_stops_and_enable_goes_on(run):
    world = run(behaviour=SWEEP, enabled=False)
    world.until_state('DISABLED')
    stays(lambda: abs(world.speed()) < 1e-4, 0.3, 'no motion')
    assert world.enable(True).success
    world.until_moving()
    assert world.enable(False).message.startswith('DISABLED')
    world.until_still(0.7)
    world.sends_nothing(0.3)


def test_a_robot_that_does_not_follow_is_given_up_until_it_is_enabled(run):
    world = run(behaviour=SWEEP, max_tracking_error=0.1)
    world.until_moving()
    world.set('sim', ignore_commands=True)
    world.until_state('HOLDING', 'shoulder_pan_joint')
    world.set('sim', ignore_commands=False)
    assert next_of(world) == ENABLE
    assert world.enable(True).success
    world.until_state('RUNNING')
    world.set('infer', max_tracking_error=0.3)


def test_a_robot_that_takes_single_points_is_streamed_to_and_brakes_point_by_point(run, tmp_path):
    robot = tmp_path / 'ur5.yaml'
    before, after = UR5.read_text().split('\ncommands:')
    topic = 'topic: arm_controller/joint_trajectory\n'
    robot.write_text(before + '\ncommands:' + after.replace(topic, f'{topic}    stream: point\n'))
    world = run(behaviour=SWEEP, robot=robot, command_rate_hz=50.0)
    world.until_moving()
    sent = len(world.commands)
    world.until(lambda: len(world.commands) > sent + 25, 'single points')
    assert world.change('deactivate')
    # The stop is one trajectory, from the setpoint to rest.
    assert [len(message.points) for _, message in world.commands[-21:]] == [1] * 20 + [2]
    times = [wall_s for wall_s, _ in world.commands[-21:-1]]
    assert (times[-1] - times[0]) / 19 == pytest.approx(0.02, rel=0.3)
    world.until_still(0.4)
    world.set('infer', command_rate_hz=0.0)


def test_reset_starts_afresh(run):
    world = run(behaviour=SWEEP)
    world.until_moving()
    answer = world.reset()
    assert answer.success
    assert answer.message.startswith('WAITING')
    world.until_state('RUNNING')


def test_the_services_say_so_when_the_node_is_not_active(run):
    world = run(activate=False)
    assert world.enable(True).message == 'the node is not active'
    assert not world.reset().success


def test_a_dry_run_publishes_nothing(run):
    world = run(behaviour=SWEEP, dry_run=True)
    world.commands.clear()
    world.until_state('RUNNING')
    stays(lambda: world.commands == [], 0.6, 'no command')
    assert world.node.count_publishers('arm_controller/joint_trajectory') == 1  # the expert's
    assert float(world.diagnostics['infer: inference']['latency_ms_p50']) > 0.0


def test_diagnostics_tell_the_state_and_every_stream(run):
    world = run()
    world.until_state('RUNNING')

    def rate_hz(topic):
        return float(world.diagnostics[f'infer: {topic}']['rate_hz'])

    world.until(lambda: rate_hz('joint_states') == pytest.approx(100.0, rel=0.2), 'joint states')
    world.until(lambda: rate_hz('overhead/image_raw') == pytest.approx(30.0, rel=0.3), 'images')
    inference = world.diagnostics['infer: inference']
    assert {'latency_ms_p50', 'latency_ms_p99', 'late', 'holds', 'clamps'} < inference.keys()
    assert (inference['level'], inference['hardware_id']) == (b'\x00', 'ur5')
    joints, camera = (
        world.diagnostics[f'infer: {t}'] for t in ('joint_states', 'overhead/image_raw')
    )
    assert float(joints['age_s']) < 0.2
    assert {'drops'} < camera.keys()


def test_a_parameter_of_a_configured_node_cannot_be_changed(run):
    world = run(activate=False)
    (result,) = world.set('infer', start_max=0.7)
    assert not result.successful
    assert 'clean up' in result.reason


def test_a_disabled_node_leaves_a_robot_that_somebody_else_moved_alone(run):
    world = run(behaviour=SWEEP)
    world.until_moving()
    world.enable(False)
    world.until_still(0.7)
    world.new_trial()  # as if led by hand: far from the last command
    sent = len(world.commands)
    world.let_pass(0.3)
    assert world.change('deactivate')
    stays(lambda: len(world.commands) == sent, 0.3, 'no command')


@pytest.mark.parametrize(
    ('wrong', 'said'),
    [
        (
            {'start_max': 0.01},
            'start_max is 0.01; it must not be below start_tolerance, which is 0.1',
        ),
        ({'execute_steps': 21}, 'execute_steps is 21; the policy predicts 20 steps'),
        ({'model': 'nowhere.pt'}, 'nowhere.pt: no such file'),
        ({'robot': 'nowhere.yaml'}, 'nowhere.yaml'),
        ({'device': 'cuda:7'}, "device 'cuda:7' is not available; this machine has: cpu"),
    ],
)
def test_a_wrong_configuration_fails_in_one_line_and_leaves_the_node_unconfigured(
    ur5, shared_node, tmp_path, wrong, said
):
    defaults = {**DEFAULTS, 'execute_steps': 0, 'device': 'cpu'}
    model = write_policy(tmp_path / 'policy.pt')
    ur5.set('infer', model=str(model), robot=str(UR5), **defaults)
    ur5.set('infer', **wrong)
    before = len(shared_node.lines)
    assert not ur5.change('configure')
    assert ur5.lifecycle() == 'unconfigured'
    ur5.until(lambda: len(shared_node.lines) > before, 'a line')
    ur5.set('infer', **defaults)
    (line,) = shared_node.lines[before:]
    assert said in line


def test_a_robot_file_that_is_a_private_key_is_not_told_to_the_graph(ur5, shared_node, tmp_path):
    secret = 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmU'
    key = tmp_path / 'id_ed25519'
    key.write_text(f'-----BEGIN OPENSSH PRIVATE KEY-----\n{secret}\n{secret}\n-----END')
    model = write_policy(tmp_path / 'policy.pt')
    ur5.set('infer', model=str(model), robot=str(key), **DEFAULTS)
    before = len(shared_node.lines)
    assert not ur5.change('configure')
    ur5.until(lambda: len(shared_node.lines) > before, 'a line')
    (line,) = shared_node.lines[before:]
    assert 'must be a mapping, not other text: is it the right file?' in line
    assert 'BEGIN' not in line and secret[:8] not in line


@pytest.mark.parametrize(
    ('policy', 'said'),
    [
        (
            {'width': 4},
            "'ur5' uses JOINT_TARGET_POSITIONS index 6; the model was trained with width 4",
        ),
        ({'horizon': 9}, 'the manifest says (1, 9, 7)'),
    ],
)
def test_a_policy_that_does_not_fit_fails_to_configure(ur5, shared_node, tmp_path, policy, said):
    model = write_policy(tmp_path / 'policy.pt', **policy)
    ur5.set('infer', model=str(model), robot=str(UR5), **DEFAULTS)
    before = len(shared_node.lines)
    assert not ur5.change('configure')
    ur5.until(lambda: len(shared_node.lines) > before, 'a line')
    assert said in shared_node.lines[before]


def test_a_camera_that_offers_best_effort_is_heard_and_one_of_another_type_is_named(run, tmp_path):
    robot = tmp_path / 'ur5.yaml'
    robot.write_text(UR5.read_text().replace('overhead/image_raw', 'other/image_raw'))
    world = run(robot=robot)
    image = Image(height=48, width=64, encoding='rgb8', step=192, data=bytes(48 * 192))

    def publish(kind, message, reliability):
        publisher = world.node.create_publisher(
            kind, 'other/image_raw', QoSProfile(depth=5, reliability=reliability)
        )

        def send():
            message.header.stamp = world.node.get_clock().now().to_msg()
            publisher.publish(message)

        timer = world.node.create_timer(0.05, send)
        return lambda: (world.node.destroy_timer(timer), world.node.destroy_publisher(publisher))

    for reliability in (ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE):
        stop = publish(Image, image, reliability)
        world.until_state('RUNNING')
        stop()
        world.until_state('HOLDING', 'other/image_raw')
    stop = publish(CompressedImage, CompressedImage(format='jpeg'), ReliabilityPolicy.RELIABLE)
    world.until_state('HOLDING', 'type: sensor_msgs/msg/CompressedImage')
    stop()


def test_what_it_waits_for_in_vain_is_told_as_check_would_say_it(run, shared_node, tmp_path):
    robot = tmp_path / 'ur5.yaml'
    text = UR5.read_text().replace('overhead/image_raw', 'overhead/image_rav')
    before, after = text.split('\ncommands:')
    robot.write_text(before + '\ncommands:' + after.replace('arm_controller/', 'arm_controler/'))
    world = run(robot=robot)
    world.until_state('WAITING', '(RGB_IMAGES overhead): nobody publishes it; did you mean')
    assert '/overhead/image_raw?' in world.reason
    told = 'nobody listens to it; did you mean /arm_controller/joint_trajectory?'
    world.until_state('WAITING', told)
    assert next_of(world).startswith('starts by itself')
    assert any('[WARN]' in line and told in line for line in shared_node.lines)


def test_a_hold_says_whether_it_goes_on_by_itself(run, shared_node):
    world = run(behaviour=SWEEP, max_tracking_error=0.1)
    world.until_moving()
    world.set('sim', cameras_off=True)
    world.until_state('HOLDING', 'overhead/image_raw')
    next_one = 'goes on by itself when this is over'
    assert next_of(world) == next_one
    assert any('HOLDING: ' in line and f'({next_one})' in line for line in shared_node.lines)
    world.set('sim', cameras_off=False)
    world.until_moving()
    world.set('sim', ignore_commands=True)
    world.until_state('HOLDING', 'shoulder_pan_joint')
    assert next_of(world) == ENABLE
    world.set('sim', ignore_commands=False)
    assert world.enable(True).success
    world.until_state('RUNNING')
    assert next_of(world) == ''
    world.set('infer', max_tracking_error=0.3)


@pytest.mark.parametrize('pause_s', [0.0, 0.15])
def test_an_impatient_operator_does_no_harm(run, pause_s):
    world = run(behaviour=SWEEP)
    for _ in range(4):
        for on in (False, False, True, True):
            assert world.enable(on).success
            world.let_pass(pause_s)
        assert world.reset().success
    for _ in range(3):
        assert world.change('deactivate')
        assert world.change('activate')
        world.let_pass(pause_s)
    world.until_moving()
    assert world.change('deactivate')
    assert not world.change('deactivate')
    world.until_still(1.0)


def test_a_transition_while_the_model_predicts_waits_for_nothing(run):
    world = run(behaviour={**SWEEP, 'fault': 'slow', 'at': 1})
    world.until_state('WAITING', 'prediction')
    assert world.change('deactivate')
    assert world.change('activate')
    # The answer to the first run is not used in the second.
    world.until_state('RUNNING')
    world.until_moving()


def test_the_debug_topic_tells_what_the_model_was_given_and_what_it_answered(run):
    heard = []
    world = run(behaviour=SWEEP, debug=True)
    subscription = world.node.create_subscription(String, 'infer/debug', heard.append, 10)
    world.until_state('RUNNING')
    world.until(lambda: len(heard) > 2, 'predictions')
    world.node.destroy_subscription(subscription)
    told = json.loads(heard[-1].data)
    (given,) = told['inputs']['JOINT_POSITIONS']  # one step
    slots = load_robot(UR5).input[DataType.JOINT_POSITIONS]
    assert told['valid']['JOINT_POSITIONS'] == [slot in slots for slot in range(7)]
    assert [slot for slot in range(7) if given[slot] == 0.0] == sorted({*range(7)} - {*slots})
    prediction = told['prediction']['JOINT_TARGET_POSITIONS']
    assert len(prediction) == 20
    assert prediction[3][0] == pytest.approx(given[0] + 0.08, abs=1e-4)
    images = told['inputs']['RGB_IMAGES']
    assert images['shape'] == [1, 2, 48, 64, 3]
    assert images['mean'][0][0] == [0.0, 0.0, 0.0]  # a UR5 has no wrist camera
    assert min(images['mean'][0][1]) > 20.0
    assert told['merged_at_step'] in range(20)
    assert told['latency_ms'] > 0.0
    assert told['stamp_ns'] > 1_700_000_000_000_000_000
    assert world.set('infer', debug=False)


def test_the_debug_topic_tells_why_there_is_no_answer(run):
    heard = []
    world = run(behaviour={**SWEEP, 'fault': 'raise', 'at': 4}, debug=True)
    subscription = world.node.create_subscription(String, 'infer/debug', heard.append, 10)
    world.until_state('HOLDING', 'raised on purpose')
    world.until(lambda: heard and 'error' in heard[-1].data, 'the failure')
    world.node.destroy_subscription(subscription)
    told = json.loads(heard[-1].data)
    assert 'raised on purpose' in told['error']
    assert told['merged_at_step'] is None
    assert 'prediction' not in told


def test_without_debug_there_is_no_such_topic(run):
    world = run(debug=False)
    world.until_state('RUNNING')
    assert world.node.count_publishers('infer/debug') == 0


def test_the_last_words_tell_rate_predictions_and_holds(run, shared_node):
    world = run(behaviour=SWEEP)
    world.until_moving()
    world.set('sim', cameras_off=True)
    world.until_state('HOLDING', 'overhead/image_raw')
    world.set('sim', cameras_off=False)
    world.until_state('RUNNING')
    world.until(lambda: float(world.diagnostics['infer: inference']['rate_hz']) > 1.0, 'a rate')
    assert world.change('deactivate')
    before = len(shared_node.lines)
    assert world.change('cleanup')
    world.until(lambda: len(shared_node.lines) > before, 'the last words')
    (line,) = shared_node.lines[before:]
    for word in (' of 20 steps a second', ' predictions in ', 'held 1 times (1 x ', 'image_raw'):
        assert word in line
    assert 'oldest input while running: joint_states 0.' in line


class Steady(torch.nn.Module):
    """Moves joint 0 from where it is measured; without a branch, as a graph must be."""

    def __init__(self):
        super().__init__()
        ahead = torch.zeros(HORIZON, 7)
        ahead[:, 0] = SWEEP['speed'] * torch.arange(1, HORIZON + 1)
        self.register_buffer('ahead', ahead)

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        return {'JOINT_TARGET_POSITIONS': inputs['JOINT_POSITIONS'][:, -1:] + self.ahead}


@pytest.mark.parametrize(
    ('file', 'write'), [('steady.onnx', write_onnx), ('steady.xml', write_openvino)]
)
def test_a_policy_that_is_no_torchscript_moves_the_robot_all_the_same(run, tmp_path, file, write):
    for library in ('onnx', 'onnxscript', 'onnxruntime', 'openvino'):
        pytest.importorskip(library)
    write(Steady(), manifest(), tmp_path / file)
    world = run(model=str(tmp_path / file))
    world.until_state('RUNNING')
    world.until_moving()
    assert world.change('deactivate')
    world.until_still(1.0)

"""What `check --live` says of facts, without a graph."""

from dataclasses import replace

import numpy as np
import pytest

from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.node.contention import contention
from neuracore_ros.node.live.commands import check_command
from neuracore_ros.node.live.facts import (
    NO_ARRIVALS,
    Arrivals,
    ClockFacts,
    CommandFacts,
    Endpoint,
    MeasuredJoint,
    StreamFacts,
)
from neuracore_ros.node.live.streams import check_joints, check_stream
from neuracore_ros.node.live.timing import check_clock, frames_sent

ROBOT = load_robot(shipped('ur5'))
JOINTS = tuple(s for s in ROBOT.input_sources() if s.data_type is DataType.JOINT_POSITIONS)
GRIP = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
CAMERA = tuple(s for s in ROBOT.input_sources() if s.data_type is DataType.RGB_IMAGES)
(COMMAND,) = ROBOT.commands()
NAMES = [joint.message_name for joint in COMMAND.joints]
NOW_NS = 1_700_000_000 * 10**9
DRIVER = Endpoint('/driver', 'sensor_msgs/msg/JointState', 'reliable')
BEST_EFFORT = Endpoint('/camera', 'sensor_msgs/msg/Image', 'best_effort')
CONTROLLER = Endpoint('/arm_controller', COMMAND.type, 'reliable')
NO_CLOCK = ClockFacts((), np.zeros(0, np.int64), np.zeros(0, np.int64), {}, 'wall')


def arrivals(rate_hz=100.0, seconds=5.0, late_s=0.001, stamps=None, **more):
    receive = NOW_NS + (np.arange(0, seconds, 1 / rate_hz) * 1e9).astype(np.int64)
    stamp = receive - round(late_s * 1e9) if stamps is None else stamps(receive)
    return Arrivals(receive, np.zeros_like(receive), stamp, **more)


def joints(publishers=(DRIVER,), similar=(), came=None, **more):
    return StreamFacts('/joint_states', JOINTS, publishers, similar, came or arrivals(), **more)


def camera(came, publishers=(BEST_EFFORT,), **more):
    return StreamFacts('/overhead/image_raw', CAMERA, publishers, (), came, **more)


def told(lines, kind):
    return [line.text for line in lines if line.level == kind]


def only(lines, kind):
    lines = list(lines)
    assert {line.level for line in lines} <= {kind, 'ok'}
    (text,) = told(lines, kind)
    return text


def about_joints(**facts):
    return list(check_stream(joints(**facts), NO_CLOCK, 20.0))


def test_a_healthy_stream_is_one_line_with_its_rate():
    (line,) = about_joints()
    assert line.level == 'ok'
    assert line.text == (
        '/joint_states: 100.0 Hz, gaps of 10.0 to 10.0 ms; reliable, from /driver'
    )


def test_a_topic_that_nobody_publishes_names_the_nearest_one():
    text = only(about_joints(publishers=(), similar=('/left/joint_states',)), 'error')
    assert 'nobody publishes it' in text
    assert 'did you mean --namespace /left' in text
    text = only(about_joints(publishers=(), similar=('/joint_states',)), 'error')
    assert 'did you mean to leave --namespace out?' in text


def test_another_type_comes_with_the_line_to_write():
    wrong = replace(DRIVER, type='std_msgs/msg/Float64MultiArray')
    text = only(about_joints(publishers=(wrong,)), 'error')
    assert '/driver sends std_msgs/msg/Float64MultiArray' in text
    assert 'JOINT_POSITIONS: {topic: joint_states, type: std_msgs/msg/Float64MultiArray' in text


def test_a_publisher_whose_qos_we_refuse_is_named():
    text = only(about_joints(publishers=(replace(DRIVER, refusal='best effort'),)), 'error')
    assert 'qos: {reliability: match}' in text


def test_a_silent_publisher_is_an_error():
    text = only(about_joints(came=arrivals(seconds=0.0)), 'error')
    assert '/driver publishes it, but no message came' in text


def test_two_drivers_may_share_a_topic_but_not_a_joint():
    two = (DRIVER, replace(DRIVER, node='/gripper'))
    apart = about_joints(publishers=two, name_sets=(('a', 'b'), ('c',)))
    assert told(apart, 'error') == []
    same = about_joints(publishers=two, name_sets=(('a', 'b'), ('b', 'c')))
    (text,) = told(same, 'error')
    assert '/driver, /gripper send the same joints (b)' in text
    unknown = about_joints(publishers=two, name_sets=(('a', 'b'),))
    assert '2 publishers send it: /driver, /gripper' in told(unknown, 'error')[0]


@pytest.mark.parametrize(
    ('stamps', 'kind', 'says'),
    [
        (lambda t: t * 0, 'warning', 'header stamps are zero'),
        (lambda t: t - NOW_NS + 10**9, 'error', 'no message would be used'),
        (lambda t: t + 3 * 10**9, 'error', "3 s ahead of this computer's clock"),
        (lambda t: t + 5 * 10**7, 'warning', '0.05 s ahead'),
        (lambda t: t - 10**9, 'error', 'every message is stale on arrival'),
        (lambda t: t - (t - NOW_NS) // 100, 'warning', 'drifts by 10.0 ms a second'),
        (lambda t: t - t % 20_000_000, 'warning', 'repeat the stamp before'),
    ],
)
def test_stamps_are_held_against_the_clock(stamps, kind, says):
    lines = about_joints(came=arrivals(stamps=stamps))
    assert any(says in text for text in told(lines, kind)), lines
    if kind == 'error' and 'no message' in says:
        assert 'stamp: receive' in told(lines, kind)[0]


def test_a_stream_slower_than_its_samples_live_is_an_error():
    text = only(about_joints(came=arrivals(rate_hz=4.0)), 'error')
    assert 'max_age_s is 0.2' in text
    assert 'would be stopped all the time' in text


def shared(arm_hz=29.0, jaw_hz=2.0):
    """Two drivers on /joint_states; of the first five names, and of the last one."""
    arm = arrivals(rate_hz=arm_hz, late_s=0.001)
    jaw = arrivals(rate_hz=jaw_hz, late_s=0.015)
    order = np.argsort(np.concatenate([arm.receive_ns, jaw.receive_ns]), kind='stable')
    both = Arrivals(
        *(
            np.concatenate([getattr(arm, times), getattr(jaw, times)])[order]
            for times in ('receive_ns', 'clock_ns', 'stamp_ns')
        )
    )
    names = [source.name for source in JOINTS]
    by_names = (
        (tuple(names[:-1]), both.of(np.flatnonzero(order < arm.count))),
        (tuple(names[-1:]), both.of(np.flatnonzero(order >= arm.count))),
    )
    return about_joints(
        publishers=(DRIVER, replace(DRIVER, node='/gripper')),
        came=both,
        by_names=by_names,
        name_sets=(tuple(names[:-1]), tuple(names[-1:])),
    )


def test_a_slow_joint_beside_a_fast_one_is_an_error_by_its_name():
    lines = shared()
    (text,) = told(lines, 'error')
    assert text.startswith('/joint_states (wrist_3_joint): 2.0 Hz; its samples are usually 0.5')
    assert text.endswith('write under sources: JOINT_POSITIONS: {wrist_3_joint: {max_age_s: 1.5}}')
    fast = '/joint_states (shoulder_pan_joint .. wrist_1_joint): 29.0 Hz'
    assert any(text.startswith(fast) for text in told(lines, 'ok'))
    assert told(lines, 'warning') == []


def test_stamps_of_two_drivers_that_interleave_are_in_order():
    assert {line.level for line in shared(jaw_hz=25.0)} == {'ok'}


def test_a_driver_out_of_step_with_its_sensor_has_no_drifting_clock():
    def out_of_step(times):
        # A sensor at 100 Hz, read by a loop at 99.9: what it reads is ever older, by up to 10 ms.
        return NOW_NS + (times - NOW_NS) // 10_000_000 * 10_000_000

    came = arrivals(rate_hz=99.9, seconds=5.0, stamps=out_of_step)
    assert {line.level for line in about_joints(came=came)} == {'ok'}


def test_a_clock_that_is_slewed_to_another_computers_is_in_order():
    # chrony sets a clock right by at most half a millisecond a second.
    came = arrivals(rate_hz=100.0, seconds=20.0, stamps=lambda t: t - (t - NOW_NS) // 2500)
    assert {line.level for line in about_joints(came=came)} == {'ok'}


def test_a_busy_computer_has_no_drifting_clock():
    random = np.random.default_rng(1)
    came = arrivals(rate_hz=50.0, seconds=5.0)
    # Ever later, on the whole; but now and then a message still comes at once.
    late = random.random(came.count) ** 4 * np.linspace(0, 0.1, came.count)
    came.receive_ns[:] = np.sort(came.receive_ns + (late * 1e9).astype(np.int64))
    assert not any('drifts' in text for text in told(about_joints(came=came), 'warning'))


def test_frames_may_have_many_publishers():
    two = [DRIVER, replace(DRIVER, node='/state_publisher')]
    assert contention('tf2_msgs/msg/TFMessage', [each.node for each in two], ()) == ''


def test_one_long_gap_is_a_warning():
    came = arrivals()
    came.receive_ns[250:] += 400_000_000
    came.stamp_ns[250:] += 400_000_000
    (text,) = told(about_joints(came=came), 'warning')
    assert 'one gap made a sample 0.41 s old' in text


def test_a_stream_slower_than_the_policy_sees_samples_twice():
    assert 'slower than the 20 Hz' in only(about_joints(came=arrivals(rate_hz=12.0)), 'warning')


def test_what_the_policy_does_not_read_stops_nothing():
    text = only(about_joints(publishers=(), needed=False), 'warning')
    assert text.endswith('(the policy does not read it)')


def test_a_leader_that_nobody_holds_is_a_warning_and_mends_itself_under_teleop():
    leader = tuple(replace(source, topic='/leader', section='teleop') for source in JOINTS)
    silent = StreamFacts('/leader', leader, (), (), NO_ARRIVALS, needed=False)
    text = only(check_stream(silent, NO_CLOCK, 20.0), 'warning')
    assert text.endswith('or correct topic in teleop (needed where a human takes over)')
    slow = StreamFacts('/leader', leader, (DRIVER,), (), arrivals(3.0), needed=False)
    assert 'write under teleop: JOINT_POSITIONS' in only(
        check_stream(slow, NO_CLOCK, 20.0), 'warning'
    )


def test_what_is_sent_once_need_not_come_again():
    one = arrivals(seconds=0.01)
    assert only(about_joints(came=one, is_static=True), 'ok').endswith('messages that came: 1')
    assert 'no message came' in only(
        about_joints(came=arrivals(seconds=0.0), is_static=True), 'warning'
    )


def followed(publishers=(), **more):
    source = replace(JOINTS[0], data_type=GRIP, topic='/hand', follow_s=0.4, max_age_s=None)
    return StreamFacts('/hand', (source,), publishers, (), NO_ARRIVALS, **more)


def test_a_hand_that_nobody_commands_yet_waits_for_the_node():
    (line,) = check_stream(followed(is_commanded=True), NO_CLOCK, 20.0)
    assert line.level == 'ok'
    assert line.text.startswith('/hand: nobody commands it now, as the node will')


def test_a_hand_that_follows_commands_of_others_needs_them():
    (line,) = check_stream(followed(), NO_CLOCK, 20.0)
    assert line.level == 'error' and 'start what commands the robot' in line.text


def test_commands_without_the_name_of_the_hand_are_an_error():
    commander = Endpoint('/teleop', JOINTS[0].type, 'reliable')
    facts = followed((commander,), is_commanded=True, faults=("/hand lacks 'g'",))
    assert told(check_stream(facts, NO_CLOCK, 20.0), 'error') == ["/hand lacks 'g'"]


def test_frames_are_counted_by_their_stamps_even_where_most_are_lost():
    random = np.random.default_rng(0)
    sent = np.arange(300) / 30
    stamps = (sent + random.normal(0, 5e-4, 300)) * 1e9 + NOW_NS
    assert frames_sent(stamps.astype(np.int64)) == 300
    for share in (0.9, 0.5, 0.1):
        kept = np.sort(random.choice(np.arange(1, 299), round(share * 298), replace=False))
        kept = np.concatenate([[0], kept, [299]])
        assert frames_sent(stamps[kept].astype(np.int64)) == pytest.approx(300, abs=3)


def test_lost_large_frames_are_counted_and_their_cure_is_told():
    lossy = camera(arrivals(rate_hz=12.0, size=921_700, lost=90))
    text = only(check_stream(lossy, NO_CLOCK, 10.0), 'warning')
    assert '90 of 150 messages' in text
    assert '(60 %, counted by the middleware)' in text
    for cure in ('RELIABLE', 'SHM segment', 'LARGE_DATA helps only if it is set for both'):
        assert cure in text
    assert 'localhost' not in text.lower()
    starved = camera(arrivals(rate_hz=1.5, size=921_700, lost=140))
    assert 'RELIABLE' in only(check_stream(starved, NO_CLOCK, 10.0), 'error')


def test_a_joint_outside_its_limits_is_told_with_both_numbers():
    joint = COMMAND.joints[2]
    beyond = MeasuredJoint(joint, '/joint_states', joint.limit.upper + 0.5)
    text = only(check_joints([beyond], 'ur5.yaml'), 'error')
    assert f'{beyond.position:.4g}' in text
    assert f'{joint.limit.upper:.4g}]' in text
    inside = MeasuredJoint(joint, '/joint_states', 0.0)
    assert told(check_joints([inside], 'ur5.yaml'), 'ok')


def test_joints_in_degrees_are_told_in_one_line_with_the_scale_to_write():
    lift, elbow = (MeasuredJoint(COMMAND.joints[i], '/joint_states', 75.0) for i in (0, 5))
    text = only(check_joints([lift, elbow], 'ur5.yaml'), 'error')
    assert 'in degrees? Write under sources of ur5.yaml: JOINT_POSITIONS: {scale: 0.017' in text
    assert f"(likewise '{COMMAND.joints[5].name}' at 75)" in text


# Commands


HEALTHY = {'joints': NAMES}


def command(*nodes, values=HEALTHY, kind=None, stream='chunk', domain='wall', **more):
    """The lines about nodes that listen to a command, each with these parameters."""
    sent = replace(COMMAND, type=kind or COMMAND.type, stream=stream)
    listeners = tuple(replace(CONTROLLER, node=node, type=sent.type) for node in nodes)
    parameters = dict.fromkeys(nodes, values)
    facts = CommandFacts('/arm_controller/joint_trajectory', sent, listeners, parameters, **more)
    return list(check_command(facts, domain, 0.3))


def controller(kind=None, stream='chunk', domain='wall', scaling=None, **parameters):
    values = {'joints': NAMES, **parameters}
    values = {key.replace('__', '.'): value for key, value in values.items()}
    return command(
        CONTROLLER.node,
        values=values,
        kind=kind,
        stream=stream,
        domain=domain,
        speed_scaling=scaling or {},
    )


def test_the_controller_of_our_joints_is_in_order():
    assert told(command(CONTROLLER.node), 'ok') == [
        '/arm_controller/joint_trajectory: /arm_controller controls exactly our 6 joints'
    ]


def test_nobody_listening_names_the_topic_that_may_be_meant():
    text = only(command(similar=('/left/arm_controller/joint_trajectory',)), 'error')
    assert 'nobody listens to it; did you mean --namespace /left?' in text


def test_a_recorder_is_no_controller():
    text = only(command('/rosbag2_recorder', values=None), 'error')
    assert 'only /rosbag2_recorder listens to it, and executes nothing' in text


def test_a_second_commander_is_named():
    teleop = Endpoint('/teleop', COMMAND.type, 'reliable')
    assert '/teleop is commanding it now (12 messages)' in only(
        command(CONTROLLER.node, rivals=(teleop,), rival_messages=12), 'error'
    )
    assert 'is silent now' in only(command(CONTROLLER.node, rivals=(teleop,)), 'warning')


ARRAY = 'std_msgs/msg/Float64MultiArray'


FULL = {'/slider': 1.0}
HUMBLE = {'open_loop_control': True}
REPLACING = {'interpolate_from_desired_state': False, 'allow_trajectory_replacement': True}


@pytest.mark.parametrize(
    ('parameters', 'kind', 'says'),
    [
        ({'joints': [*NAMES[:5], 'wrist_roll']}, 'error', "has no joint 'wrist_3_joint'"),
        ({'joints': [*NAMES, 'lift']}, 'error', 'refuses commands that lack lift'),
        (
            {'joints': [*NAMES, 'lift'], 'allow_partial_joints_goal': True},
            'warning',
            'also controls lift',
        ),
        ({'joints': NAMES[::-1], 'kind': ARRAY}, 'error', 'order: [wrist_3_joint, wrist_1_joint'),
        ({'kind': ARRAY, 'interface_name': 'velocity'}, 'error', "forwards numbers to 'velocity'"),
        ({'command_interfaces': ['effort']}, 'warning', 'PID gains'),
        ({'interpolate_from_desired_state': False}, 'ok', 'only if it lags by more than 0.1 s'),
        ({'interpolation_method': 'none'}, 'warning', 'jump from point to point'),
        ({'constraints__elbow_joint__trajectory': 0.05}, 'warning', '0.05 rad off'),
        (
            {'open_loop_control': True, 'speed_scaling_interface_name': 'x'} | {'scaling': FULL},
            'error',
            'scaled controller of Humble, whose update throws',
        ),
        ({'stream': 'point', **HUMBLE, 'update_rate': 100}, 'warning', 'update rate (100 Hz)'),
        (
            {'stream': 'point', **HUMBLE},
            'warning',
            'as often as its update rate, the arm does not',
        ),
        ({'stream': 'point', **REPLACING}, 'warning', 'to and fro between measured and wanted'),
        ({'speed_scaling__state_interface': 'x'}, 'warning', 'the node cannot read it'),
        (
            {'scaling': {'/s': 0.5}},
            'error',
            'would hold: the robot runs at 50 % of its speed (/s)',
        ),
    ],
)
def test_parameters_of_the_controller_are_held_against_the_robot_file(parameters, kind, says):
    lines = controller(**parameters)
    assert {line.level for line in lines} <= {kind, 'ok'}
    assert any(says in text for text in told(lines, kind))


@pytest.mark.parametrize(
    'parameters',
    [
        REPLACING,
        {**REPLACING, 'state_interfaces': ['position']},
        {'interpolate_from_desired_state': False, 'state_interfaces': ['position']},
        {'interpolate_from_desired_state': True, 'stream': 'point'},
        {'interpolate_from_desired_state': True, 'speed_scaling_interface_name': 'x'}
        | {'scaling': FULL},
        HUMBLE,
    ],
)
def test_settings_that_are_in_order(parameters):
    assert {line.level for line in controller(**parameters)} == {'ok'}


def test_a_slider_that_is_up_and_a_clock_that_may_be_set_back_are_told():
    facts = controller(domain='sim', interpolate_from_desired_state=True, scaling=FULL)
    _, clock, slider = told(facts, 'ok')
    assert 'where /clock is set back' in clock
    assert 'runs at 100 % of its speed (/slider)' in slider


def test_a_controller_that_takes_one_goal_at_a_time_is_an_error():
    node = '/passthrough_trajectory_controller'
    action = 'control_msgs/action/FollowJointTrajectory'
    text = only(command(node, kind=action), 'error')
    assert 'rejects a goal while one runs' in text
    assert 'scaled_joint_trajectory_controller' in text


def test_joints_in_another_order_do_no_harm_to_a_trajectory():
    assert not told(controller(joints=NAMES[::-1]), 'error')


def test_a_controller_that_tells_nothing_is_a_warning():
    assert 'told none of its parameters' in only(command(CONTROLLER.node, values=None), 'warning')


# Time


def clock(rate_hz=100.0, speed=1.0, publishers=('/gazebo',), domain='sim', **uses):
    receive = NOW_NS + (np.arange(0, 5, 1 / rate_hz) * 1e9).astype(np.int64)
    simulated = ((receive - NOW_NS) * speed).astype(np.int64) + 10**9
    nodes = {f'/{node}': used for node, used in uses.items()}
    return ClockFacts(publishers, simulated, receive, nodes, domain)


def test_wall_time_needs_no_word():
    assert list(check_clock(NO_CLOCK, 20.0)) == []


def test_simulated_time_is_told_with_its_speed():
    (text,) = told(check_clock(clock(speed=2.0), 20.0), 'ok')
    assert '2.00 times as fast as real time' in text
    assert 'use_sim_time:=true' in text


@pytest.mark.parametrize(
    ('facts', 'kind', 'says'),
    [
        (clock(speed=0.0), 'error', 'stands still'),
        (clock(rate_hz=10.0), 'error', 'too coarse for the 20 Hz'),
        (clock(speed=-1.0), 'error', 'jumped back'),
        (clock(publishers=('/a', '/b')), 'error', '/a, /b all publish it'),
        (clock(domain='wall'), 'warning', 'stamped in wall time'),
        (clock(driver=False), 'warning', '/driver has use_sim_time: false'),
        (replace(NO_CLOCK, use_sim_time={'/x': True}), 'error', '/x has use_sim_time: true'),
    ],
)
def test_times_that_do_not_go_together(facts, kind, says):
    assert says in only(check_clock(facts, 20.0), kind)


def astray(stamps, facts):
    came = arrivals(stamps=stamps)
    came.clock_ns[:] = came.receive_ns - NOW_NS + 10**9
    lines = check_stream(joints(came=came), facts, 20.0)
    return [line.text for line in lines if line.level != 'ok']


def test_stamps_of_another_time_than_the_others_are_told_with_the_parameter_to_set():
    (text,) = astray(lambda t: t, clock(domain='sim'))
    assert 'set use_sim_time: true for /driver' in text
    assert 'stamp: receive' not in text
    (text,) = astray(lambda t: t - NOW_NS + 10**9, clock(domain='wall'))
    assert 'as /gazebo publishes on /clock, and others are not: set use_sim_time: false' in text
    paused = replace(clock(domain='wall'), clock_ns=np.zeros(0, np.int64))
    (text,) = astray(lambda t: t - NOW_NS + 10**9, paused)
    assert text.endswith('/clock of /gazebo stands still: is it paused?')
    (text,) = astray(lambda t: t - NOW_NS + 10**9, NO_CLOCK)
    assert 'stamp: receive' in text


def test_stamps_are_zero_where_nobody_makes_the_time():
    (text,) = astray(lambda t: t * 0, replace(NO_CLOCK, use_sim_time={'/driver': True}))
    assert 'are zero, since /driver has use_sim_time: true, and nobody publishes /clock' in text

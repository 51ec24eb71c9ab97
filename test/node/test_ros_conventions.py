"""What ROS 2 users expect of any node: QoS overrides, and a lifecycle that stands impatience."""

import time

import pytest
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from helpers.live_robot import UR5
from helpers.small_policies import write_policy

SWEEP = {'speed': 0.02}
COMMANDS = 'arm_controller/joint_trajectory'


def of_node(infos, policy, name='infer'):
    """What a node's endpoints on a topic have for a policy, as far as they have been discovered."""
    return [getattr(info.qos_profile, policy) for info in infos if info.node_name == name]


def test_the_quality_of_service_can_be_overridden(ur5, infer, tmp_path):
    model = write_policy(tmp_path / 'policy.pt')
    process = infer(
        model=model,
        robot='ur5',  # as the package ships it
        **{
            f'qos_overrides./{COMMANDS}.publisher.durability': 'transient_local',
            'qos_overrides./joint_states.subscription.reliability': 'best_effort',
        },
    )

    def has(infos, topic, policy, value):
        # Not from the first moment on: a camera that is found later is then matched.
        ur5.until(lambda: of_node(infos(topic), policy) == [value], f'{topic}: {value}')

    publishers, subscriptions = (
        ur5.node.get_publishers_info_by_topic,
        ur5.node.get_subscriptions_info_by_topic,
    )
    ur5.until_state('RUNNING')
    has(publishers, COMMANDS, 'durability', DurabilityPolicy.TRANSIENT_LOCAL)
    # Without an override it is as the publisher offers.
    has(subscriptions, 'overhead/image_raw', 'reliability', ReliabilityPolicy.RELIABLE)
    has(subscriptions, 'joint_states', 'reliability', ReliabilityPolicy.BEST_EFFORT)
    assert process.end() == 0, process.output


def test_an_override_that_makes_no_sense_is_told_in_one_line(infer, tmp_path):
    model = write_policy(tmp_path / 'policy.pt')
    wrong = {f'qos_overrides./{COMMANDS}.publisher.reliability': 'mostly'}
    process = infer(model=model, robot=UR5, **wrong)
    assert process.wait() == 1
    assert 'Traceback' not in process.output
    assert 'mostly' in process.lines[-1]


@pytest.mark.parametrize('pause_s', [0.0, 0.15])
def test_an_impatient_operator_does_no_harm(run, pause_s):
    world = run(behaviour=SWEEP)
    for _ in range(4):
        for on in (False, False, True, True):
            assert world.enable(on).success
            time.sleep(pause_s)
        assert world.reset().success
    for _ in range(3):
        assert world.change('deactivate')
        assert world.change('activate')
        time.sleep(pause_s)
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

"""A robot in lockstep shows a policy what a recording of the bridge does.

The figures of docs/mujoco.md come from lockstep trials: they say something about the robot on its
topics only as far as this holds.
"""

from pathlib import Path

import numpy as np
import pytest

from neuracore_ros.physics.arms import PANDA

pytest.importorskip('robosuite', reason="needs pip install 'neuracore_ros[mujoco]'")
pytest.importorskip('rclpy')

from neuracore_ros.bags.bag import open_bag
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.descriptions import load_descriptions
from neuracore_ros.description.shipped import shipped
from neuracore_ros.observation.observer import Observation, Observer
from neuracore_ros.physics.lift import LiftRobot
from neuracore_ros.sim.operator import Operator

STEP_NS, TICK_NS = 10_000_000, 50_000_000
NUMBERS = (DataType.JOINT_POSITIONS, DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS)


@pytest.fixture
def robot():
    return load_robot(shipped('lift_panda'))


@pytest.fixture
def observer(robot):
    layout = load_descriptions([shipped('lift')]).input_layout
    return lambda: Observer(robot.input_sources(), layout, (64, 64))


@pytest.fixture
def recorded(domain, begin, tmp_path):
    """(seed, bag): the expert lifts the cube, recorded by the verb that users have."""
    # Slowly, so that a command arrives within the step that it was made in.
    bridge = begin(
        'neuracore_ros.physics.robot_node', '--robot', PANDA.name, '--seed', 5, '--speed', 0.5
    )

    def alive():
        assert bridge.process.poll() is None, bridge.output

    with Operator(domain, alive) as operator:
        operator.wait(0.1)
        begin(
            'neuracore_ros.cli.main', 'record', shipped(PANDA.name), '--out', tmp_path,
            '--use-sim-time', '--services',
        )  # fmt: skip
        trial = operator.reset()
        operator.wait(0.3)
        operator.trigger('record/start')
        operator.wait(0.3)
        operator.switch('sim/expert', True)
        assert operator.wait(8.0, lambda: operator.distance_m < trial['tolerance'])
        operator.trigger('record/stop')
    return trial['seed'], tmp_path / 'episode_000'


def observed_from(bag, robot, observer):
    """The observations that `convert` would make, and what was commanded when."""
    inputs, commands, ticks = observer(), [], []
    topics = {source.topic for source in robot.input_sources()}
    targets = {command.topic for command in robot.commands()}
    with open_bag(bag) as opened:
        next_ns = None
        for topic, message, log_ns in opened.read(topics | targets):
            while next_ns is not None and next_ns < log_ns:
                ticks.append(inputs.observe(next_ns))
                next_ns += TICK_NS
            if topic.lstrip('/') in targets:
                commands.append((log_ns, topic.lstrip('/'), message))
            else:
                inputs.receive(topic, message, log_ns)
            if next_ns is None and inputs.is_complete(log_ns):
                next_ns = log_ns
    return ticks, commands


def observed_in_lockstep(seed, commands, start_ns, end_ns, observer):
    """Time -> observation, with the same commands at the same times."""
    from lockstep import World

    simulated = LiftRobot(PANDA)
    simulated.reset(seed)
    world = World(simulated, simulated.cameras, reach=0.0, period_s=STEP_NS / 1e9)
    world.now_ns = start_ns
    waiting, inputs, seen = list(commands), observer(), {}
    while world.now_ns < end_ns:
        while waiting and waiting[0][0] <= world.now_ns:
            _, topic, message = waiting.pop(0)
            world.accept(topic, message)
        for topic, message in world.step():
            inputs.receive(topic, message, world.now_ns)
        seen[world.now_ns] = inputs.observe(world.now_ns)
    return seen


def far(one, other):
    """Mean difference of two pictures, in steps of 256."""
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def test_a_recording_of_the_bridge_shows_what_lockstep_shows(
    recorded, robot, observer, monkeypatch
):
    experiments = Path(__file__).resolve().parents[2] / 'experiments'
    monkeypatch.syspath_prepend(str(experiments))
    seed, bag = recorded
    ticks, commands = observed_from(bag, robot, observer)
    assert len(ticks) > 30
    assert all(isinstance(tick, Observation) for tick in ticks)
    start_ns = ticks[0].tick_ns // STEP_NS * STEP_NS - 20 * STEP_NS
    lockstep = observed_in_lockstep(
        seed, commands, start_ns, ticks[-1].tick_ns + 2 * STEP_NS, observer
    )

    moved = np.ptp([tick.inputs[DataType.JOINT_POSITIONS] for tick in ticks], axis=0)
    assert moved.max() > 0.3
    off = {kind: [] for kind in NUMBERS}
    off_pictures, other_pictures = [], []
    for tick in ticks:
        for (kind, name), age_s in tick.ages_s.items():
            # The clock of who records may be a step behind.
            assert -0.011 <= age_s <= 0.071
            then = lockstep[tick.tick_ns - round(age_s * 1e9)]
            assert (tick.valid[kind] == then.valid[kind]).all()
            if kind in NUMBERS:
                off[kind].append(np.abs(tick.inputs[kind] - then.inputs[kind]).max())
            else:
                camera = robot.source(kind, name).index
                picture = tick.inputs[kind][camera]
                off_pictures.append(far(picture, then.inputs[kind][camera]))
                other_pictures.append(far(picture, then.inputs[kind][1 - camera]))
    # A command that the bridge took a step later than the recorder moves the arm a step later.
    assert np.median(off[DataType.JOINT_POSITIONS]) < 0.001
    assert max(off[DataType.JOINT_POSITIONS]) < 0.04
    assert max(off[DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS]) < 0.05
    assert np.median(off_pictures) < 0.5
    assert max(off_pictures) < 3.0 < 30.0 < min(other_pictures)

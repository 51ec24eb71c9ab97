"""Measure what ``~/plan`` and ``~/path`` cost the node's thread, with and without a listener.

A Panda of seven joints, whose file has a chain, follows predictions of 32 and of 100 steps at
20 Hz. ``tick``: the runner's step, without the model. ``merge``: that of a step in which a
prediction is merged and commanded. ``plan``: what the two topics add to it. Listeners are
subscriptions of another process. Processor time of the node's thread, medians and 99th percentiles
[us]; only the ratios mean anything on a machine that does other things, too.

    python benchmarks/plan_topics.py [--steps 400] [--json]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.runner import Runner, Settings

RATE_HZ = 20.0
STEP_NS = round(1e9 / RATE_HZ)
HORIZONS = (32, 100)
TOPICS = ('plan', 'path')
EXECUTED = 4
HOME = (0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785)
LISTENERS = {'nobody': (), 'plan': ('plan',), 'plan and path': ('plan', 'path')}

spawn = multiprocessing.get_context('spawn')


def write_robot(folder: Path) -> Path:
    """A Panda that is commanded by its joints, with a chain for the way of its hand."""
    names = [f'panda_joint{number}' for number in range(1, 8)]
    slots = ', '.join(f'{index}: {name}' for index, name in enumerate(names))
    path = folder / 'panda.yaml'
    path.write_text(
        f'robot: panda\nurdf: {shipped("franka").with_suffix(".urdf")}\n'
        'chains: {hand: {base: panda_link0, tip: panda_link7}}\n'
        f'input: {{JOINT_POSITIONS: {{{slots}}}}}\n'
        f'output: {{JOINT_TARGET_POSITIONS: {{{slots}}}}}\n'
        'sources: {JOINT_POSITIONS: {topic: joint_states}}\n'
        'commands: {JOINT_TARGET_POSITIONS: {topic: arm_controller/joint_trajectory}}\n'
    )
    return path


def listen(topics: tuple[str, ...], ready: Any) -> None:
    """Subscribe, as a viewer does, until killed."""
    import rclpy
    from nav_msgs.msg import Path as PathMessage
    from trajectory_msgs.msg import JointTrajectory

    rclpy.init()
    node = rclpy.create_node('viewer')
    for topic in topics:
        kind = JointTrajectory if topic == 'plan' else PathMessage
        node.create_subscription(kind, f'/bench/{topic}', lambda _: None, 10)
    ready.set()
    while True:
        rclpy.spin_once(node)


class Clocked:
    """A node whose clock the measurement turns, faster than time passes."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self.nanoseconds = time.time_ns()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def get_clock(self) -> Any:
        """The clock that the measurement turns."""
        return SimpleNamespace(now=lambda: self)


def state(positions: np.ndarray, now_ns: int) -> SimpleNamespace:
    """A JointState."""
    stamp = SimpleNamespace(sec=now_ns // 10**9, nanosec=now_ns % 10**9)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=stamp),
        name=[f'panda_joint{number}' for number in range(1, 8)],
        position=positions.tolist(),
        velocity=[],
        effort=[],
    )


def await_viewers(node: Any, wanted: dict[str, bool]) -> None:
    """Wait until topics have a listener, or none any more."""
    end_s = time.monotonic() + 60.0
    while any(bool(node.count_subscribers(f'/bench/{t}')) != there for t, there in wanted.items()):
        if time.monotonic() > end_s:
            raise SystemExit('the viewer neither comes nor goes')
        time.sleep(0.1)


def measure(node: Any, path: Path, horizon: int, topics: tuple[str, ...], steps: int) -> Any:
    """Drive a runner for so many steps; for each part median and 99th percentile [us]."""
    from neuracore_ros.node.plan_publisher import PlanPublisher

    robot, seven = load_robot(path), tuple(range(7))
    manifest = Manifest(
        {DataType.JOINT_POSITIONS: InputSlots(7, seven)},
        {DataType.JOINT_TARGET_POSITIONS: OutputSlots(7, seven)},
        rate_hz=RATE_HZ,
        horizon=horizon,
    )
    runner = Runner(robot, manifest, Settings(execute_steps=EXECUTED))
    clocked = Clocked(node)
    publisher = PlanPublisher(clocked, robot, runner)
    ready = spawn.Event()
    viewer = spawn.Process(target=listen, args=(topics, ready), daemon=True)
    if topics:
        viewer.start()
        ready.wait(60.0)
    await_viewers(node, {topic: topic in topics for topic in TOPICS})
    publisher.refresh()
    ticks_s, merges_s, plans_s = [], [], []
    for step in range(steps):
        clocked.nanoseconds += STEP_NS
        now_ns = clocked.nanoseconds
        setpoint = runner.setpoint(now_ns)
        here = np.array(HOME) if setpoint is None else setpoint[0]
        runner.receive('joint_states', state(here, now_ns - 1_000_000), now_ns)
        start_s = time.thread_time()
        outcome = runner.tick(now_ns)
        if outcome.request is not None:
            ahead = 0.3 * np.sin(0.02 * (step + np.arange(1, horizon + 1)))
            chunk = {DataType.JOINT_TARGET_POSITIONS: np.array(HOME) + ahead[:, None]}
            runner.predicted(outcome.request, chunk, now_ns)
        middle_s = time.thread_time()
        publisher.update()
        end_s = time.thread_time()
        if step > 20:
            if outcome.request is None:
                ticks_s.append(middle_s - start_s)
            else:
                merges_s.append(middle_s - start_s)
                plans_s.append(end_s - middle_s)
    publisher.close()
    if topics:
        viewer.kill()
        viewer.join(10)
    return {
        name: [1e6 * float(np.percentile(times, share)) for share in (50, 99)]
        for name, times in (('tick', ticks_s), ('merge', merges_s), ('plan', plans_s))
    }


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--steps', type=int, default=400, help='of each measurement')
    parser.add_argument('--json', action='store_true', help='print JSON')
    arguments = parser.parse_args()
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    import rclpy

    rclpy.init()
    node = rclpy.create_node('bench')
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = write_robot(Path(folder))
        for horizon in HORIZONS:
            for name, topics in LISTENERS.items():
                key = f'{horizon} steps, {name}'
                found[key] = measure(node, path, horizon, topics, arguments.steps)
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for key, values in found.items():
        texts = (f'{what} {a:9.1f} (99 %: {b:9.1f})' for what, (a, b) in values.items())
        print(f'{key:32}', '   '.join(texts))


if __name__ == '__main__':
    main()

"""Run the node for a long time, and watch its memory, threads, files and commands.

    python benchmarks/soak.py --minutes 60 --json soak.json

Runs the real node on a simulated UR5 at full rate: joints at 100 Hz, two cameras of 640x480 at
30 Hz, a policy at 20 Hz. Watches its memory, threads and open files, whether every command that
it sent arrived, and whether the robot refused one. Then it deactivates, cleans up, configures
and activates a few times, and counts what is left over.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neuracore_ros.demo.processes import Background, environment, own_domain
from neuracore_ros.description import DataType
from neuracore_ros.description.shipped import shipped
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

CAMERAS = ('wrist', 'overhead')
HEIGHT, WIDTH, CAMERA_HZ = 480, 640, 30.0
MODEL_SIZE = (96, 128)
RATE_HZ, HORIZON = 20.0, 20
COMMANDS = '/arm_controller/joint_trajectory'
PATIENCE_S = 60.0
ROWS = 12


class Sway(torch.nn.Module):
    """A small network over two cameras, whose answer is not used, moves joint 0 to and fro."""

    def __init__(self) -> None:
        super().__init__()
        self.way = 1.0
        self.eye = torch.nn.Sequential(
            torch.nn.Conv2d(3, 16, 5, 4), torch.nn.ReLU(), torch.nn.Conv2d(16, 32, 3, 2)
        )
        self.register_buffer('steps', torch.arange(1, HORIZON + 1, dtype=torch.float32))

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """The contract of a policy file."""
        newest = inputs['JOINT_POSITIONS'][:, -1:]
        if abs(float(newest[0, 0, 0])) > 0.5:
            self.way = -1.0 if float(newest[0, 0, 0]) > 0.0 else 1.0
        pictures = inputs['RGB_IMAGES'][0, -1].permute(0, 3, 1, 2).float() / 255.0
        seen = self.eye(pictures).mean()
        chunk = newest.repeat(1, self.steps.shape[0], 1)
        chunk[:, :, 0] += 0.02 * self.way * self.steps + 0.0 * seen
        return {'JOINT_TARGET_POSITIONS': chunk}


def write_policy(path: Path) -> Path:
    """Save a `Sway`."""
    every = tuple(range(7))
    manifest = Manifest(
        input={
            DataType.JOINT_POSITIONS: InputSlots(7, every),
            DataType.RGB_IMAGES: InputSlots(2, (0, 1), image_size=MODEL_SIZE),
        },
        output={DataType.JOINT_TARGET_POSITIONS: OutputSlots(7, every)},
        rate_hz=RATE_HZ,
        horizon=HORIZON,
    )
    save(Sway(), manifest, path)
    return path


def write_robot(path: Path) -> Path:
    """The UR5 with two large cameras."""
    text = shipped('ur5').read_text()
    for before, after in (
        ('1: overhead  # there is no wrist camera', '0: wrist\n    1: overhead'),
        (
            'overhead: {topic: overhead/image_raw}',
            '\n    '.join(f'{name}: {{topic: /soak/{name}}}' for name in CAMERAS),
        ),
    ):
        assert before in text, before
        text = text.replace(before, after)
    path.write_text(text)
    return path


def publish_pictures() -> None:
    """Two cameras, in a process of their own, until it is ended."""
    import rclpy
    from rclpy.executors import ExternalShutdownException
    from sensor_msgs.msg import Image

    rclpy.init()
    node = rclpy.create_node('soak_cameras')
    publishers = [node.create_publisher(Image, f'/soak/{name}', 5) for name in CAMERAS]
    noise = np.random.default_rng(1).integers(0, 255, (HEIGHT * WIDTH * 3,), np.uint8)
    message = Image(height=HEIGHT, width=WIDTH, encoding='rgb8', step=3 * WIDTH)
    message.data = array('B', noise.tobytes())
    count = 0

    def publish() -> None:
        nonlocal count
        count += 1
        message.data[0] = count // len(CAMERAS) % 256
        message.header.stamp = node.get_clock().now().to_msg()
        publishers[count % len(CAMERAS)].publish(message)

    # One after the other: real cameras do not fire together.
    node.create_timer(1.0 / CAMERA_HZ / len(CAMERAS), publish)
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


@dataclass(frozen=True, slots=True)
class Sample:
    """The node's process at one moment.

    Attributes:
        time_s: Since the first.
        rss_mb: Resident memory.
        sent: Commands, by the node's own count.
        received: Commands that arrived here.
    """

    time_s: float
    rss_mb: float
    threads: int
    files: int
    sent: int
    received: int
    state: str


class Watch:
    """Sees what the node says and sends, and asks it for transitions."""

    def __init__(self) -> None:
        import rclpy
        from diagnostic_msgs.msg import DiagnosticArray
        from lifecycle_msgs.srv import ChangeState
        from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
        from rclpy.signals import SignalHandlerOptions
        from std_msgs.msg import String
        from trajectory_msgs.msg import JointTrajectory

        self.received = 0
        self.rejections: list[str] = []
        self.says: dict[str, dict[str, str]] = {}
        # Ctrl-C ends the soak, which then ends its processes in order.
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node('soak')
        self._node.create_subscription(JointTrajectory, COMMANDS, self._on_command, 1000)
        self._node.create_subscription(DiagnosticArray, '/diagnostics', self._on_status, 100)
        self._node.create_subscription(
            String, 'sim/rejected', lambda message: self.rejections.append(message.data), 100
        )
        self._change = self._node.create_client(ChangeState, 'infer/change_state')
        self._request = ChangeState.Request
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)

        def spin() -> None:
            with suppress(ExternalShutdownException):
                self._executor.spin()

        self._thread = threading.Thread(target=spin, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give everything back."""
        import rclpy

        self._executor.shutdown()
        self._thread.join()
        self._node.destroy_node()
        rclpy.try_shutdown()

    @property
    def inference(self) -> dict[str, str]:
        """Read the state of the node from its diagnostics."""
        return self.says.get('infer: inference', {})

    def until_running(self) -> None:
        """Wait for it.

        Raises:
            TimeoutError: It does not come; says what does.
        """
        end_s = time.monotonic() + PATIENCE_S
        while self.inference.get('state') != 'RUNNING':
            if time.monotonic() > end_s:
                raise TimeoutError(f'the node does not run: {self.inference}')
            time.sleep(0.05)

    def change(self, *transitions: str) -> None:
        """Take the node through transitions.

        Raises:
            TimeoutError: One has failed.
        """
        from lifecycle_msgs.msg import Transition

        for name in transitions:
            number = getattr(Transition, f'TRANSITION_{name.upper()}')
            self._change.wait_for_service(PATIENCE_S)
            answer = self._change.call_async(self._request(transition=Transition(id=number)))
            end_s = time.monotonic() + PATIENCE_S
            while not answer.done() and time.monotonic() < end_s:
                time.sleep(0.01)
            if not answer.done() or not answer.result().success:
                raise TimeoutError(f'{name} has failed: {self.inference}')

    def _on_command(self, _: Any) -> None:
        self.received += 1

    def _on_status(self, message: Any) -> None:
        for status in message.status:
            self.says[status.name] = {pair.key: pair.value for pair in status.values}


def soak(minutes: float, cycles: int, folder: Path) -> dict[str, Any]:
    """Run, and say what was seen."""
    with ExitStack() as stack:
        domain = stack.enter_context(own_domain())
        os.environ.update(environment(domain))
        cameras = multiprocessing.get_context('spawn').Process(target=publish_pictures)
        cameras.start()
        stack.callback(cameras.join)
        stack.callback(cameras.terminate)
        sim = ['--robot', 'ur5', '--seed', '1', '--no-clock']
        log = folder / 'node.log'
        model, robot = write_policy(folder / 'policy.pt'), write_robot(folder / 'ur5.yaml')
        given = {'model': model, 'robot': robot, 'threads': 1, 'frozen_after_s': 1.0}
        words = [w for name, value in given.items() for w in ('-p', f'{name}:={value}')]
        stack.enter_context(
            Background('neuracore_ros.sim.robot_node', sim, domain, folder / 'sim.log')
        )
        watch = Watch()
        stack.callback(watch.close)
        node = stack.enter_context(
            Background('neuracore_ros.node.infer_node', ['--ros-args', *words], domain, log)
        )
        watch.until_running()
        samples = list(sampled(node, watch, 60.0 * minutes))
        watch.change('deactivate')
        time.sleep(1.0)
        lost = int(watch.inference['commands']) - watch.received
        seen = {**watch.inference}
        streams = {name: says for name, says in watch.says.items() if 'age_s' in says}
        left = list(cycled(node, watch, cycles))
    return {
        'minutes': minutes,
        'commands': int(seen['commands']),
        'commands_lost': lost,
        'rejections': watch.rejections,
        'holds': int(seen['holds']),
        'late': int(seen['late']),
        'latency_ms_p99': float(seen['latency_ms_p99']),
        'streams': streams,
        **memory(samples),
        'threads': [samples[0].threads, samples[-1].threads],
        'files': [samples[0].files, samples[-1].files],
        'cycles': [asdict(sample) for sample in left],
        'samples': [asdict(sample) for sample in samples],
    }


def sampled(node: Background, watch: Watch, seconds: float) -> Iterator[Sample]:
    """A sample a second, or sixty if that lasts for more than an hour."""
    start_s = time.monotonic()
    period_s = min(60.0, max(1.0, seconds / 3600.0))
    while (now_s := time.monotonic() - start_s) < seconds:
        node.check()
        yield sample(node, watch, now_s)
        time.sleep(period_s)


def cycled(node: Background, watch: Watch, cycles: int) -> Iterator[Sample]:
    """The node, unconfigured, after each of its lives."""
    for cycle in range(cycles):
        watch.change('cleanup')
        time.sleep(0.5)
        yield sample(node, watch, float(cycle))
        watch.change('configure', 'activate')
        watch.until_running()
        watch.change('deactivate')


def sample(node: Background, watch: Watch, time_s: float) -> Sample:
    """The node's process now."""
    process = Path(f'/proc/{node.pid}')
    lines = (process / 'status').read_text().splitlines()
    status = dict(line.split(':', 1) for line in lines)
    return Sample(
        time_s=round(time_s, 1),
        rss_mb=int(status['VmRSS'].split()[0]) / 1024.0,
        threads=int(status['Threads']),
        files=len(list((process / 'fd').iterdir())),
        sent=int(watch.inference.get('commands', 0)),
        received=watch.received,
        state=watch.inference.get('state', ''),
    )


def memory(samples: Sequence[Sample]) -> dict[str, float]:
    """Compute the growth of memory after a warm-up of a quarter of the run, by medians."""
    quarter = max(1, len(samples) // 4)
    early = statistics.median(s.rss_mb for s in samples[quarter : 2 * quarter])
    late = statistics.median(s.rss_mb for s in samples[-quarter:])
    return {
        'rss_mb_start': round(samples[0].rss_mb, 1),
        'rss_mb_warm': round(early, 1),
        'rss_mb_end': round(late, 1),
        'rss_mb_growth': round(late - early, 2),
    }


def shown(found: dict[str, Any]) -> str:
    """For a person."""
    samples = found['samples']
    rows = ['   time s   rss MB  threads  files    sent  received  state']
    rows += [
        f'{s["time_s"]:9.0f}{s["rss_mb"]:9.1f}{s["threads"]:9}{s["files"]:7}'
        f'{s["sent"]:8}{s["received"]:10}  {s["state"]}'
        for s in samples[:: max(1, len(samples) // ROWS)]
    ]
    rows += [
        f'cleaned up {1 + int(s["time_s"])}: {s["rss_mb"]:.1f} MB, {s["threads"]} threads, '
        f'{s["files"]} files'
        for s in found['cycles']
    ]
    rows.append(
        f'{found["commands"]} commands, {found["commands_lost"]} lost, '
        f'{len(found["rejections"])} rejected; held {found["holds"]} times, {found["late"]} late; '
        f'memory after warm-up {found["rss_mb_growth"]:+.2f} MB in {found["minutes"]:g} min'
    )
    return '\n'.join(rows)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--minutes', type=float, default=60.0, help='how long (default 60)')
    parser.add_argument('--cycles', type=int, default=10, help='lives afterwards (default 10)')
    parser.add_argument('--json', type=Path, help='write everything that was seen to this file')
    parser.add_argument('--logs', type=Path, help='keep the logs in this folder')
    options = parser.parse_args()
    with _folder(options.logs) as folder:
        found = soak(options.minutes, options.cycles, folder)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + '\n')
    print(shown(found))
    return 0


if __name__ == '__main__':
    sys.exit(main())

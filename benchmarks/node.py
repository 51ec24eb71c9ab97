"""Measure the cost of the node, compared with bare rclpy nodes in the same run.

- latency: from the publication of the frame that a command came from to the command's arrival,
  minus the model; beside a node that answers every image with a command.
- jitter: how far the periods of single points at 100 Hz are off while a model of 80 ms runs;
  beside a bare timer with the same model in another process.
- processor: two 640x480 cameras at 30 Hz, joints at 100 Hz and a policy at 10 Hz; beside a node
  that decodes every frame in its callbacks.

Everything runs over Fast DDS on this machine, in turns, several rounds; figures are medians over
rounds. Run it on a machine that is otherwise idle.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from itertools import groupby
from pathlib import Path

import node_parts as parts
import numpy as np

from neuracore_ros.demo.processes import own_domain

MODEL_MS = 80.0


def latency_ms(heard: list[parts.Heard]) -> list[float]:
    """From each frame's publication to the first command that came from it [ms]."""
    firsts = [next(group) for _, group in groupby(heard, key=lambda command: command.level)]
    return [1e3 * (first.arrived_s - first.sent_s) for first in firsts]


def jitter_ms(heard: list[parts.Heard]) -> float:
    """The 99th percentile of how far a period is off its nominal length [ms]."""
    periods_ms = 1e3 * np.diff([command.arrived_s for command in heard])
    return float(np.percentile(np.abs(periods_ms - 1e3 / parts.POINT_HZ), 99))


class Bench:
    """One run: a robot that is always on, and one node after the other beside it."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self._folder, self._seconds = folder, seconds
        self.sent_s = parts.spawn.Array('d', parts.LEVELS, lock=False)
        self._witness = parts.Witness(self.sent_s)

    def latency(self) -> dict[str, float]:
        """Medians and 99th percentiles of the bare node and of ours [ms]."""
        found = {}
        with parts.running(parts.relay):
            bare = latency_ms(self._witness.listen(self._seconds))
        policy = parts.write_policy(self._folder, 10.0, 1)
        model_ms = self._model_ms(policy)
        robot = parts.write_robot(self._folder, 'chunk')
        with parts.infer_node(policy, robot, execute_steps=1, threads=1):
            ours = latency_ms(self._witness.listen(self._seconds))
        for name, values in (('bare', bare), ('ours', [v - model_ms for v in ours])):
            found[f'{name}_p50'] = statistics.median(values)
            found[f'{name}_p99'] = float(np.percentile(values, 99))
        return found

    def jitter(self) -> dict[str, float]:
        """99th percentiles of the bare timer and of ours [ms]."""
        rate_hz = 10.0
        policy = parts.write_policy(self._folder, rate_hz, parts.products_in(MODEL_MS))
        with parts.running(parts.load, policy, rate_hz), parts.running(parts.metronome):
            bare = jitter_ms(self._witness.listen(self._seconds))
        robot = parts.write_robot(self._folder, 'point')
        settings = {'execute_steps': 1, 'threads': 1, 'command_rate_hz': parts.POINT_HZ}
        with parts.infer_node(policy, robot, **settings):
            ours = jitter_ms(self._witness.listen(self._seconds))
        return {'bare': bare, 'ours': ours, 'model_ms': self._model_ms(policy)}

    def processor(self) -> dict[str, float]:
        """Percent of one core of the plain node and of ours."""
        policy = parts.write_policy(self._folder, 10.0, 1)
        with parts.running(parts.decoder, policy) as pid:
            plain = self._percent(pid)
        robot = parts.write_robot(self._folder, 'chunk')
        with parts.infer_node(policy, robot, threads=1) as pid:
            ours = self._percent(pid)
        return {'plain': plain, 'ours': ours}

    def _percent(self, pid: int) -> float:
        self._witness.listen(0.0)
        before_s, start = parts.cpu_s(pid), time.monotonic()
        self._witness.listen(self._seconds)
        return 100.0 * (parts.cpu_s(pid) - before_s) / (time.monotonic() - start)

    def _model_ms(self, policy: Path) -> float:
        from neuracore_ros.policy.load import load_policy

        model = load_policy(policy, threads=1)
        return 1e3 * statistics.median(model.warm_up(1) for _ in range(20))


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--rounds', type=int, default=3, help='turns of everything (default 3)')
    parser.add_argument('--seconds', type=float, default=10.0, help='of each measurement')
    parser.add_argument('--only', choices=('latency', 'jitter', 'processor'))
    parser.add_argument('--json', action='store_true', help='print JSON')
    arguments = parser.parse_args()
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    found: dict[str, list[dict[str, float]]] = {}
    with own_domain() as domain, tempfile.TemporaryDirectory() as folder:
        os.environ['ROS_DOMAIN_ID'] = str(domain)
        bench = Bench(Path(folder), arguments.seconds)
        with parts.running(parts.robot, bench.sent_s):
            for _ in range(arguments.rounds):
                for name in (
                    (arguments.only,) if arguments.only else ('latency', 'jitter', 'processor')
                ):
                    found.setdefault(name, []).append(getattr(bench, name)())
    medians = {
        name: {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        for name, rounds in found.items()
    }
    if arguments.json:
        print(json.dumps({'medians': medians, 'rounds': found}, indent=2))
        return
    for name, values in medians.items():
        print(name, '  '.join(f'{key} {value:.2f}' for key, value in values.items()))


if __name__ == '__main__':
    main()

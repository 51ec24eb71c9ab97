"""Measure PyTorch with threads that spin or sleep while they wait, alone and beside others.

    python benchmarks/waiting.py [--threads 2] [--beside 2] [--runs 30] [--rounds 3]

Each round runs the ACT-sized model of `runtimes.py` in a process of its own for each way, alone
and beside as many processes that only compute. Only the ratios mean anything.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

WAYS = {'spin': 'ACTIVE', 'as OpenMP likes': None, 'sleep': 'PASSIVE'}
BUSY = 'while True: sum(range(10_000))'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--beside', type=int, default=2, help='processes that only compute')
    parser.add_argument('--runs', type=int, default=30)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--child', action='store_true', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(predictions_ms(arguments.threads, arguments.runs)))
        return
    taken = {(beside, way): [] for beside in (0, arguments.beside) for way in WAYS}
    for _ in range(arguments.rounds):
        for beside, way in taken:
            taken[beside, way] += measured_ms(beside, WAYS[way])
    print(f'{"":18}{"beside":>8}{"p50 ms":>10}{"p99 ms":>10}{"p50 ratio":>11}')
    for (beside, way), times in taken.items():
        times.sort()
        p50, p99 = statistics.median(times), times[int(0.99 * len(times))]
        ratio = p50 / statistics.median(taken[beside, 'as OpenMP likes'])
        print(f'{way:18}{beside:8}{p50:10.1f}{p99:10.1f}{ratio:11.2f}')


def measured_ms(beside, policy):
    """Measure one process while others compute."""
    environment = {k: v for k, v in os.environ.items() if k != 'OMP_WAIT_POLICY'}
    if policy is not None:
        environment['OMP_WAIT_POLICY'] = policy
    others = [subprocess.Popen([sys.executable, '-c', BUSY]) for _ in range(beside)]
    try:
        command = [sys.executable, str(Path(__file__)), *sys.argv[1:], '--child']
        said = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        return json.loads(said.stdout)
    finally:
        for other in others:
            other.kill()
            other.wait()


def predictions_ms(threads, runs):
    """Measure the latency of each prediction in this process."""
    import torch
    from runtimes import CAMERAS, IMAGES, JOINTS, SIZE, WIDTH, act

    torch.set_num_threads(threads)
    module, _ = act()
    inputs = {
        JOINTS.name: torch.randn(1, 1, WIDTH),
        IMAGES.name: torch.randint(0, 256, (1, 1, CAMERAS, *SIZE, 3), dtype=torch.uint8),
    }
    valid = {
        JOINTS.name: torch.ones(1, WIDTH, dtype=torch.bool),
        IMAGES.name: torch.ones(1, CAMERAS, dtype=torch.bool),
    }
    taken_ms = []
    with torch.inference_mode():
        for _ in range(runs + 3):
            start = time.perf_counter()
            module(inputs, valid)
            taken_ms.append(1e3 * (time.perf_counter() - start))
    return taken_ms[3:]


if __name__ == '__main__':
    main()

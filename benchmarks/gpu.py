"""Measure policies on a GPU: predictions, training, resuming and serving. It needs no ROS.

    python benchmarks/gpu.py [--device cuda] [--minutes 12] [--out gpu]

Each part is a process of its own, so that a failure, or a device that it leaves unusable, loses
nothing of the others; what is left when the time is up is said. It writes gpu.json and gpu.md:
latency of policy files (p50, p99) and their difference to the CPU in float32, steps a second and
memory of `train`, a run that goes on across devices, and `neuracore_ros serve`.

`--tiny` does all of it in a small form, as the tests do on a CPU.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

KINDS = ('mlp', 'act', 'diffusion')
PRECISIONS = ('float32', 'bfloat16', 'float16')
SIZES = {False: (64, 224), True: (32,)}
# Rows of a training step, by the size of images.
BATCHES = {32: 2, 64: 64, 224: 16}
LONGEST_S = 240.0
# What is most important comes first.
PARTS = (
    'machine',
    *(f'predict {kind}' for kind in ('act', 'lerobot', 'diffusion', 'mlp')),
    *(f'train {kind}' for kind in ('act', 'diffusion', 'mlp')),
    'resume',
    'serve',
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--device', default='cuda')
    parser.add_argument('--minutes', type=float, default=12.0, help='then no part begins')
    parser.add_argument('--out', type=Path, default=Path('gpu'), help='without its ending')
    parser.add_argument('--tiny', action='store_true', help='all of it in a small form')
    parser.add_argument('--only', default='', help='parts whose name has this word')
    parser.add_argument('--part', choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument('--folder', type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        return run_part(arguments)
    found: dict[str, Any] = {}
    end = time.monotonic() + 60 * arguments.minutes
    with tempfile.TemporaryDirectory() as folder:
        for part in (part for part in PARTS if arguments.only in part):
            left_s = end - time.monotonic()
            found[part] = measured(part, arguments, folder, min(left_s, LONGEST_S))
            say(f'{part}: {found[part].get("error") or found[part].get("lost") or "done"}')
            # At once, so that who is interrupted keeps what there is.
            arguments.out.with_suffix('.json').write_text(json.dumps(found, indent=1) + '\n')
            arguments.out.with_suffix('.md').write_text(page(found, arguments))
    print(page(found, arguments))
    return int(any('error' in each for each in found.values()))


def say(line: str) -> None:
    print(f'{time.strftime("%H:%M:%S")} {line}', file=sys.stderr, flush=True)


# Parts, each in a process of its own


def measured(part: str, arguments: Any, folder: str, most_s: float) -> dict[str, Any]:
    """The figures of a part, or why there are none."""
    if most_s < 5:
        return {'lost': 'the time was up'}
    say(f'{part} ...')
    words = ['--part', part, '--folder', folder, '--device', arguments.device]
    words += ['--tiny'] if arguments.tiny else []
    start = time.monotonic()
    command = [sys.executable, str(Path(__file__)), *words]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=most_s, check=False)
        rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b'{')]
        ended = {'error': f'ended with status {done.returncode}'} if done.returncode else {}
    except subprocess.TimeoutExpired as error:
        lines = (error.stdout or b'').splitlines(keepends=True)
        rows = [json.loads(line) for line in lines if line[:1] == b'{' and line[-1:] == b'\n']
        ended = {'lost': f'stopped after {most_s:.0f} s'}
    return {'rows': rows, 'seconds': round(time.monotonic() - start, 1), **ended}


def run_part(arguments: Any) -> int:
    """Print a line of JSON for each figure; what fails is one, too, and the next is measured."""
    kind, _, name = arguments.part.partition(' ')
    measures = {
        'machine': machine,
        'predict': predict,
        'train': training,
        'resume': resume,
        'serve': serve,
    }
    failed = False
    for row in measures[kind](name, arguments):
        failed = failed or 'failed' in row
        print(json.dumps(row), flush=True)
    return int(failed)


@contextlib.contextmanager
def noted(row: dict[str, Any]) -> Iterator[None]:
    """A block whose error becomes a part of the row."""
    try:
        yield
    except Exception as error:
        text = str(error).strip().splitlines() or ['']
        row['failed'] = f'{type(error).__name__}: {text[-1][:200]}'
        traceback.print_exc()


def machine(_name: str, arguments: Any) -> Iterator[dict[str, Any]]:
    import torch

    row: dict[str, Any] = {'device': arguments.device, 'python': platform.python_version()}
    row |= {
        'torch': str(torch.__version__),
        'cuda': torch.version.cuda,
        'cpus': len(os.sched_getaffinity(0)),
    }
    with noted(row):
        torch.zeros(1, device=arguments.device)
        if arguments.device.startswith('cuda'):
            gpu = torch.cuda.get_device_properties(arguments.device)
            row |= {'gpu': gpu.name, 'memory_gb': round(gpu.total_memory / 2**30, 1)}
            row['capability'] = f'{gpu.major}.{gpu.minor}'
    yield row


def predict(kind: str, arguments: Any) -> Iterator[dict[str, Any]]:
    """Policy files in each precision, compared with TorchScript on the CPU."""
    import runtimes
    import torch

    from neuracore_ros.policy import torchscript
    from neuracore_ros.policy.load import load_policy
    from neuracore_ros.training.graph import write_onnx, write_pt2

    if arguments.tiny and kind == 'lerobot':
        return
    small = {'width': 32, 'layers': 1, 'flow_steps': 1} if arguments.tiny else {}
    module, manifest = runtimes.act() if kind == 'lerobot' else runtimes.ours(kind, **small)
    folder = arguments.folder / kind
    folder.mkdir()
    torchscript.save(module, manifest, folder / 'policy.pt')
    inputs, valid = observation(manifest)
    reference = load_policy(folder / 'policy.pt').predict(inputs, valid)
    ways = [('.pt', precision, True) for precision in PRECISIONS]
    # Convolutions in float32 are of TensorFloat-32 on a GPU, unless that is switched off.
    ways += [('.pt', 'float32', False)] if arguments.device != 'cpu' else []
    ways += [('.pt2', precision, True) for precision in PRECISIONS[:2]]
    ways += [('.onnx', 'float32', True)] if kind != 'diffusion' else []  # Minutes to write.
    for ending, precision, tf32 in ways:
        row: dict[str, Any] = {'policy': kind, 'file': ending, 'precision': precision}
        row |= {} if tf32 else {'tf32': False}
        with noted(row), quiet():
            torch.backends.cudnn.allow_tf32 = tf32
            path = folder / f'policy{ending}'
            row['refused'] = unsupported(arguments.device, ending, precision)
            if not row['refused'] and not path.exists():
                {'.pt2': write_pt2, '.onnx': write_onnx}[ending](module, manifest, path)
            if not row['refused']:
                start = time.perf_counter()
                policy = load_policy(path, device=arguments.device, precision=precision)
                row['load_s'] = time.perf_counter() - start
                row |= latencies(policy, inputs, valid, 3 if arguments.tiny else 200)
                found = policy.predict(inputs, valid)
                row['difference'] = max(
                    float(np.abs(chunk - reference[name]).max()) for name, chunk in found.items()
                )
        yield row


def unsupported(device: str, ending: str, precision: str) -> str:
    """Why the package refuses it here, as it should."""
    if precision == 'float16' and device == 'cpu':
        return 'float16 is emulated on a CPU'
    if ending == '.onnx' and device != 'cpu':
        try:
            import onnxruntime
        except ModuleNotFoundError:
            return 'onnxruntime is not installed'
        if 'CUDAExecutionProvider' not in onnxruntime.get_available_providers():
            return 'this onnxruntime is not onnxruntime-gpu'
    return ''


def observation(manifest: Any) -> tuple[dict[Any, Any], dict[Any, Any]]:
    rng = np.random.default_rng(0)
    inputs = {}
    for kind in manifest.input:
        shape = manifest.input_shape(kind)
        is_image = kind.dtype == 'uint8'
        values = rng.integers(0, 256, shape) if is_image else rng.normal(size=shape)
        inputs[kind] = values.astype(kind.dtype)
    return inputs, {kind: np.ones(slots.width, bool) for kind, slots in manifest.input.items()}


def latencies(policy: Any, inputs: Any, valid: Any, runs: int) -> dict[str, float]:
    """First prediction and what follows the warm-up, with all copies to the device and back."""
    start = time.perf_counter()
    policy.predict(inputs, valid)
    first_s = time.perf_counter() - start
    policy.warm_up(5)
    warm_up_s = time.perf_counter() - start
    taken_ms = []
    for _ in range(runs):
        start = time.perf_counter()
        policy.predict(inputs, valid)
        taken_ms.append(1e3 * (time.perf_counter() - start))
    p50, p99 = np.percentile(taken_ms, [50, 99])
    return {'first_s': first_s, 'warm_up_s': warm_up_s, 'p50_ms': p50, 'p99_ms': p99}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what libraries print away from the figures."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def dataset(arguments: Any, size: int) -> Path:
    import loader

    loader.EPISODE_STEPS = 20 if arguments.tiny else loader.EPISODE_STEPS
    steps = 40 if arguments.tiny else 600
    made: Path = loader.make_dataset(arguments.folder / f'data_{size}', steps, size)
    return made


def train(arguments: Any, words: list[str], device: str) -> list[dict[str, Any]]:
    """Train by the command line; the lines of its metrics."""
    from neuracore_ros.cli.main import main as neuracore_ros
    from neuracore_ros.training.run import Run

    cache = str(arguments.folder / 'cache')
    place = words[words.index('--out' if '--out' in words else '--resume') + 1]
    with quiet():
        code = neuracore_ros(['train', *words, '--device', device, '--cache', cache])
    if code:
        raise RuntimeError(f'train ended with status {code}')
    return Run(Path(place)).metrics()


def training(kind: str, arguments: Any) -> Iterator[dict[str, Any]]:
    """Steps a second and memory; of the last half, since the first warms up."""
    import torch

    for size in SIZES[arguments.tiny]:
        for precision in PRECISIONS:
            row: dict[str, Any] = {'policy': kind, 'pixels': size, 'precision': precision}
            row['batch'] = BATCHES[size]
            if precision == 'float16' and arguments.device == 'cpu':
                continue
            with noted(row):
                if arguments.device.startswith('cuda'):
                    torch.cuda.reset_peak_memory_stats()
                out = arguments.folder / f'{kind}_{size}_{precision}'
                steps = 2 if arguments.tiny else 200
                words = [str(dataset(arguments, size)), '--out', str(out), '--policy', kind]
                words += ['--steps', str(steps), '--batch', str(BATCHES[size])]
                words += ['--precision', precision]
                words += ['--width', '64', '--layers', '1'] if arguments.tiny else []
                lines = train(arguments, words, arguments.device)
                half = lines[len(lines) // 2 :]
                row['steps_per_s'] = float(np.median([each['steps_per_s'] for each in half]))
                row['data_wait'] = float(np.median([each['data_wait'] for each in half]))
                row['loss'] = [lines[0]['loss'], lines[-1]['loss']]
                if arguments.device.startswith('cuda'):
                    row['peak_gb'] = torch.cuda.max_memory_allocated() / 2**30
            yield row


def resume(_name: str, arguments: Any) -> Iterator[dict[str, Any]]:
    """A run of each policy that goes on there and back, and predicts alike on both."""
    from neuracore_ros.policy.load import load_policy

    size = SIZES[arguments.tiny][0]
    for kind in KINDS:
        row: dict[str, Any] = {'policy': kind}
        with noted(row):
            run = arguments.folder / f'resumed_{kind}'
            words = [str(dataset(arguments, size)), '--out', str(run), '--policy', kind]
            words += ['--steps', '2', '--batch', '4', '--width', '64', '--layers', '1']
            train(arguments, words, arguments.device)
            for steps, device in ((4, 'cpu'), (6, arguments.device)):
                words = ['--resume', str(run), '--steps', str(steps)]
                lines = train(arguments, words, device)
            row['steps'] = [line['step'] for line in lines]
            chunks = []
            for device in ('cpu', arguments.device):
                policy = load_policy(run / 'policy.pt', device=device)
                chunks += policy.predict(*observation(policy.manifest)).values()
            row['difference'] = float(np.abs(chunks[0] - chunks[1]).max())
        yield row


def serve(_name: str, arguments: Any) -> Iterator[dict[str, Any]]:
    """Round trips over loopback to `neuracore_ros serve`, beside the same policy in process."""
    import runtimes

    from neuracore_ros.policy import torchscript
    from neuracore_ros.policy.load import load_policy

    row: dict[str, Any] = {'policy': 'act'}
    with noted(row):
        module, manifest = runtimes.ours('act')
        path = arguments.folder / 'served.pt'
        torchscript.save(module, manifest, path)
        words = ['serve', str(path), '--port', '0', '--json', '--device', arguments.device]
        command = [sys.executable, '-m', 'neuracore_ros.cli.main', *words]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            ready = json.loads(server.stdout.readline() or '{}')
            inputs, valid = observation(manifest)
            runs = 3 if arguments.tiny else 200
            remote = load_policy(ready['address'])
            row['served'] = latencies(remote, inputs, valid, runs)
            own = load_policy(path, device=arguments.device)
            row['in_process'] = latencies(own, inputs, valid, runs)
            pairs = zip(
                remote.predict(inputs, valid).values(),
                own.predict(inputs, valid).values(),
                strict=True,
            )
            row['difference'] = max(float(np.abs(one - other).max()) for one, other in pairs)
        finally:
            server.terminate()
            server.wait(20)
    yield row


# The page


def page(found: dict[str, Any], arguments: Any) -> str:
    """All figures as Markdown."""
    rows = {part: each.get('rows', []) for part, each in found.items()}
    about = (rows.get('machine') or [{}])[0]
    lines = [
        ', '.join(f'{name} {value}' for name, value in about.items() if value is not None),
        *table('Predictions', 'predict', rows, predicted),
        *table('Training', 'train', rows, trained),
        *table('A run that goes on across devices', 'resume', rows, resumed),
        *table('`neuracore_ros serve`, over loopback', 'serve', rows, served),
    ]
    lost = [f'- {part}: {e["lost"]}' for part, e in found.items() if 'lost' in e]
    failed = [
        f'- {part}: {row["failed"]}' for part in rows for row in rows[part] if 'failed' in row
    ]
    failed += [
        f'- {part}: {each["error"]}'
        for part, each in found.items()
        if 'error' in each and not any('failed' in row for row in rows[part])
    ]
    lines += ['', 'Not measured:', '', *lost] if lost else []
    lines += ['', 'Failed:', '', *failed] if failed else []
    return '\n'.join(lines) + '\n'


def table(title: str, part: str, rows: Any, cells: Any) -> list[str]:
    chosen = [row for name in rows if name.split()[0] == part for row in rows[name]]
    made = [cells(row) for row in chosen if 'failed' not in row]
    if not made:
        return []
    heads = ['| ' + ' | '.join(made[0]) + ' |', '| --- ' * len(made[0]) + '|']
    return ['', f'**{title}**', '', *heads, *('| ' + ' | '.join(m.values()) + ' |' for m in made)]


def number(row: Any, key: str, form: str = '.2f') -> str:
    return format(row[key], form) if key in row else ''


def predicted(row: Any) -> dict[str, str]:
    tf32 = '' if row.get('tf32', True) else ', no TF32'
    return {
        'policy': row['policy'],
        'file': row['file'],
        'precision': row['precision'] + tf32,
        'p50 ms': row.get('refused') or number(row, 'p50_ms'),
        'p99 ms': number(row, 'p99_ms'),
        'load s': number(row, 'load_s'),
        'first s': number(row, 'first_s'),
        'to the CPU': number(row, 'difference', '.1e'),
    }


def trained(row: Any) -> dict[str, str]:
    return {
        'policy': row['policy'],
        'pixels': str(row['pixels']),
        'rows': str(row['batch']),
        'precision': row['precision'],
        'steps/s': number(row, 'steps_per_s'),
        'waits for data': number(row, 'data_wait', '.0%'),
        'peak GB': number(row, 'peak_gb'),
        'loss': ' to '.join(f'{loss:.3f}' for loss in row.get('loss', [])),
    }


def resumed(row: Any) -> dict[str, str]:
    steps = ', '.join(map(str, row.get('steps', [])))
    difference = number(row, 'difference', '.1e')
    return {'policy': row['policy'], 'steps': steps, 'both predict within': difference}


def served(row: Any) -> dict[str, str]:
    return {
        'policy': row['policy'],
        **{
            f'{way.replace("_", " ")}, {name}': number(row.get(way, {}), f'{name}_ms')
            for way in ('in_process', 'served')
            for name in ('p50', 'p99')
        },
        'difference': number(row, 'difference', '.1e'),
    }


if __name__ == '__main__':
    sys.exit(main())

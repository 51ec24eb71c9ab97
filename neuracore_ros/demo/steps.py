"""The steps of the demo, in order; each leaves files, and is not done twice."""

import json
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from neuracore_ros.demo.page import write_page
from neuracore_ros.demo.processes import ENDING, run_verb
from neuracore_ros.demo.recording import record
from neuracore_ros.demo.station import KINEMATIC
from neuracore_ros.demo.trials import FIRST_SEED, TrialResult, run_trials
from neuracore_ros.description.descriptions import load_descriptions
from neuracore_ros.description.shipped import shipped
from neuracore_ros.errors import UserError, quoted
from neuracore_ros.files import append_line, write_whole
from neuracore_ros.records import read_record, read_record_lines
from neuracore_ros.report.chart import Curve

TRAINED_ON = ('franka', 'ur5')
NEVER_SEEN = ('so100',)
CROSS_EMBODIMENT = 'franka_ur5'

RATE_HZ = 20
IMAGE_SIZE = 64
_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The options of a demo.

    Attributes:
        out: Folder of all that the demo writes.
        episodes: Recorded per robot.
        steps: Of training.
        trials: Per robot and driver.
        speed: Simulated seconds a second.
        policy: ``mlp`` or ``act``.
    """

    out: Path
    episodes: int
    steps: int
    trials: int
    speed: float
    policy: str


def run_demo(options: DemoOptions) -> list[TrialResult]:
    """Record, convert, train, launch, move; writes ``report.html`` and ``trials.jsonl``.

    Returns:
        All trials, in the order of robots and drivers.

    Raises:
        UserError: A step failed; the message says which, and where its log is.
    """
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    _require_same_choices(options)
    started = time.monotonic()

    def say(text: str) -> None:
        print(f'[{time.monotonic() - started:5.0f} s] {text}', flush=True)

    say(f'recording {options.episodes} episodes of each of {", ".join(TRAINED_ON)}')
    _side_by_side(
        lambda robot: record(
            KINEMATIC,
            robot,
            options.episodes,
            out / 'bags' / robot,
            options.speed,
            out / 'logs',
            say,
        ),
        TRAINED_ON,
    )
    say('converting the bags to one dataset')
    for robot in TRAINED_ON:
        _convert(robot, out)
    say(f'training one policy ({options.policy}) for {" and ".join(TRAINED_ON)}')
    policies = {'expert': None, **{d: _train(d, options) for d in ('untrained', 'trained')}}
    say('driving the robots: the scripted expert, the untrained and the trained policy')
    trials = _Trials(out / 'trials.jsonl')
    work = [(robot, driver) for robot in TRAINED_ON + NEVER_SEEN for driver in policies]

    def drive(pair: tuple[str, str]) -> None:
        robot, driver = pair
        first = FIRST_SEED + len(trials.of(robot, driver))
        seeds = range(first, FIRST_SEED + options.trials)
        policy = policies[driver]
        run_trials(KINEMATIC, robot, driver, policy, seeds, options.speed, out, trials.add)
        mine = trials.of(robot, driver)
        say(f'{robot}, {driver}: {sum(t.success for t in mine)} of {len(mine)} reached')

    _side_by_side(drive, work)
    everything = [trial for robot, driver in work for trial in trials.of(robot, driver)]
    write_page(
        out / 'report.html',
        load_descriptions([shipped(CROSS_EMBODIMENT), *map(shipped, NEVER_SEEN)]),
        TRAINED_ON,
        everything,
        _curves(out / 'run' / 'metrics.jsonl'),
        out / 'pictures',
    )
    say(f'done: {out / "report.html"}')
    return everything


def _require_same_choices(options: DemoOptions) -> None:
    """A second run goes on where the first one ended, so it must be the same demo."""
    # Trials may be added; the rest decides what the recorded files mean.
    chosen = {'episodes': options.episodes, 'steps': options.steps, 'policy': options.policy}
    file = options.out / 'demo.json'
    if file.is_file():
        before = read_record(file, UserError)
        for key, value in chosen.items():
            if (then := before.value(key, default=None)) != value:
                raise UserError(
                    f'{options.out} holds a demo with {key} {quoted(then)}, not {value}: '
                    'choose another --out, or remove it'
                )
    elif any(options.out.iterdir()):
        raise UserError(f'{options.out} is not empty and holds no demo: choose another --out')
    else:
        write_whole(file, json.dumps(chosen))


def _convert(robot: str, out: Path) -> None:
    bags = sorted(map(str, (out / 'bags' / robot).glob('episode_*')))
    description = ['--description', str(shipped(CROSS_EMBODIMENT)), '--robot', robot]
    shape = ['--rate-hz', str(RATE_HZ), '--image-size', str(IMAGE_SIZE)]
    arguments = [str(out / 'dataset'), *description, *bags, *shape, '--task', 'reach the ball']
    run_verb('convert', arguments, out / 'logs' / f'convert_{robot}.log')


def _train(driver: str, options: DemoOptions) -> Path:
    """The policy file; ``untrained`` is the same network after no step at all."""
    run = options.out / ('run' if driver == 'trained' else 'run_untrained')
    steps = options.steps if driver == 'trained' else 0
    if (run / 'policy.pt').is_file():
        return run / 'policy.pt'
    if (run / 'config.json').is_file():
        arguments = ['--resume', str(run)]
    else:
        arguments = [str(options.out / 'dataset'), '--out', str(run)]
        arguments += ['--policy', options.policy, '--steps', str(steps)]
    # Nothing outside this folder is written.
    arguments += ['--cache', str(options.out / 'cache')]
    log = options.out / 'logs' / 'untrained.log' if driver == 'untrained' else None
    run_verb('train', arguments, log)
    return run / 'policy.pt'


def _side_by_side(work: Callable[..., None], items: Iterable[object]) -> None:
    """Two at a time: each keeps about one core busy."""
    with ThreadPoolExecutor(2) as pool:
        try:
            left = {pool.submit(work, item) for item in items}
            while left:
                # Who waits for ever is not woken by a signal that another thread takes.
                done, left = wait(left, _POLL_S, FIRST_EXCEPTION)
                for future in done:
                    future.result()
        except BaseException:
            ENDING.set()
            pool.shutdown(cancel_futures=True)
            ENDING.clear()
            raise


class _Trials:
    """Trials as lines of a file, so that a demo that was interrupted keeps them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        lines = read_record_lines(path, UserError)
        self._trials = [TrialResult.of_record(record) for record, _ in lines]

    def add(self, trial: TrialResult) -> None:
        with self._lock:
            self._trials.append(trial)
            append_line(self._path, json.dumps(trial.as_json()))

    def of(self, robot: str, driver: str) -> list[TrialResult]:
        with self._lock:
            mine = [t for t in self._trials if (t.robot, t.driver) == (robot, driver)]
        return sorted(mine, key=lambda trial: trial.seed)


def _curves(metrics: Path) -> dict[str, Curve]:
    lines = [record for record, _ in read_record_lines(metrics, UserError)]
    names = {'loss': 'training', 'val_loss': 'validation'}
    return {
        name: [(line.number('step'), line.number(key)) for line in lines if line.has(key)]
        for key, name in names.items()
    }

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
from neuracore_ros.demo.slots import (
    DRIVERS,
    JOINTS,
    NEVER_SEEN,
    POSES,
    TRAINED_ON,
    SlotChoice,
)
from neuracore_ros.demo.station import KINEMATIC
from neuracore_ros.demo.trials import FIRST_SEED, TrialResult, run_trials
from neuracore_ros.description.descriptions import load_descriptions
from neuracore_ros.description.shipped import shipped
from neuracore_ros.errors import UserError, quoted
from neuracore_ros.files import append_line, write_whole
from neuracore_ros.records import read_record, read_record_lines
from neuracore_ros.report.chart import Curve

RATE_HZ = 20
_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The options of a demo.

    Attributes:
        out: Folder of all that the demo writes.
        episodes: Recorded per robot.
        steps: Of each training.
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
    say(f'converting the bags twice: {JOINTS.title}, and {POSES.title}')
    _side_by_side(lambda slots: _convert(slots, out), (JOINTS, POSES))
    say(f'training one policy ({options.policy}) for {" and ".join(TRAINED_ON)}, of each')
    _side_by_side(lambda slots: _train(slots, options, say), (JOINTS, POSES))
    say('driving the robots: the scripted expert, and both policies')
    trials = _Trials(out / 'trials.jsonl')
    work = [(robot, driver) for robot in TRAINED_ON + NEVER_SEEN for driver in DRIVERS]

    def drive(pair: tuple[str, str]) -> None:
        robot, driver = pair
        first = FIRST_SEED + len(trials.of(robot, driver))
        seeds = range(first, FIRST_SEED + options.trials)
        policy = robot_file = None
        for slots in (JOINTS, POSES):
            if driver == slots.name:
                policy, robot_file = _policy(slots, out), slots.robot_file(robot)
        run_trials(
            KINEMATIC, robot, driver, policy, seeds, options.speed, out, trials.add, robot_file
        )
        mine = trials.of(robot, driver)
        reached = sum(trial.success for trial in mine)
        say(f'{robot}, {DRIVERS[driver]}: {reached} of {len(mine)} reached')

    _side_by_side(drive, work)
    everything = [trial for robot, driver in work for trial in trials.of(robot, driver)]
    write_page(
        out / 'report.html',
        {slots.heading: load_descriptions(slots.files()) for slots in (JOINTS, POSES)},
        everything,
        _curves(out),
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


def _convert(slots: SlotChoice, out: Path) -> None:
    for arm in TRAINED_ON:
        bags = sorted(map(str, (out / 'bags' / arm).glob('episode_*')))
        arguments = [str(out / slots.name / 'dataset'), *bags, '--robot', slots.robot(arm)]
        arguments += ['--description', str(shipped(slots.together)), '--task', 'reach the ball']
        arguments += ['--rate-hz', str(RATE_HZ), '--image-size', slots.image_size]
        run_verb('convert', arguments, out / 'logs' / f'convert_{slots.name}_{arm}.log')


def _policy(slots: SlotChoice, out: Path) -> Path:
    return out / slots.name / 'run' / 'policy.pt'


def _train(slots: SlotChoice, options: DemoOptions, say: Callable[[str], None]) -> None:
    run = _policy(slots, options.out).parent
    if (run / 'policy.pt').is_file():
        return
    if (run / 'config.json').is_file():
        arguments = ['--resume', str(run)]
    else:
        arguments = [str(run.parent / 'dataset'), '--out', str(run)]
        # Changes of light help with an arm that looks like none of the training.
        arguments += ['--policy', options.policy, '--steps', str(options.steps), '--augment']
    # Two runs side by side; and nothing outside this folder is written.
    arguments += ['--threads', '1', '--cache', str(options.out / 'cache')]
    log = options.out / 'logs' / f'train_{slots.name}.log'
    run_verb('train', arguments, log, lambda line: say(f'{slots.title}: {line}'))


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


def _curves(out: Path) -> dict[str, Curve]:
    curves: dict[str, Curve] = {}
    for slots in (JOINTS, POSES):
        metrics = out / slots.name / 'run' / 'metrics.jsonl'
        lines = [record for record, _ in read_record_lines(metrics, UserError)]
        for key, name in (('loss', 'training'), ('val_loss', 'validation')):
            points = [(line.number('step'), line.number(key)) for line in lines if line.has(key)]
            curves[f'{slots.title}, {name}'] = points
    return curves

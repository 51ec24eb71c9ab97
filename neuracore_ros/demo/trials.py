"""Closed-loop trials: a driver moves a simulated robot, and the distance is measured."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

import cv2

from neuracore_ros.demo.station import Simulator, Station
from neuracore_ros.description.shipped import shipped
from neuracore_ros.files import real_folder, write_whole
from neuracore_ros.records import Record
from neuracore_ros.sim.operator import Operator

FIRST_SEED = 10_000
"""No recorded episode has so high a seed: no scored trial was recorded."""


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One trial and how it ended.

    ``distance_m`` is the largest distance from the target over the last `stay_s` seconds [m];
    ``rejected`` is the number of commands that the controller rejected.
    """

    robot: str
    driver: str
    seed: int
    start_m: float
    distance_m: float
    tolerance_m: float
    rejected: int

    @property
    def success(self) -> bool:
        """True if the task was done, and stayed so, at the end."""
        return self.distance_m <= self.tolerance_m

    @classmethod
    def of_record(cls, record: Record) -> TrialResult:
        """Read one line of ``trials.jsonl``."""
        return cls(
            robot=record.name('robot'),
            driver=record.name('driver'),
            seed=record.integer('seed'),
            start_m=record.number('start_m'),
            distance_m=record.number('distance_m'),
            tolerance_m=record.number('tolerance_m'),
            rejected=record.integer('rejected'),
        )

    def as_json(self) -> dict[str, object]:
        """For one line of ``trials.jsonl``."""
        return {**asdict(self), 'success': self.success}


def run_trials(
    simulator: Simulator,
    robot: str,
    driver: str,
    policy: Path | None,
    seeds: range,
    speed: float,
    folder: Path,
    report: Callable[[TrialResult], None],
    robot_file: Path | None = None,
    parameters: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Let the expert, or the real node with a policy file, drive a robot through trials.

    Without a policy the expert drives; without a robot file the node reads the shipped one. The
    seeds are consecutive, and the report is called after each trial. ``parameters`` are further
    ones of the node.

    Raises:
        UserError: A process ended, or a service refused.
    """
    if not seeds:
        return
    with Station(simulator, robot, seeds.start, speed, folder / 'logs') as station:
        service = 'sim/expert'
        if policy is not None:
            service = 'infer/enable'
            values = {
                'model': policy,
                'robot': robot_file or shipped(robot),
                'use_sim_time': 'true',
                'enabled': 'false',
                'threads': 1,
                **parameters,
            }
            words = [word for key, v in values.items() for word in ('-p', f'{key}:={v}')]
            station.start('neuracore_ros.node.infer_node', ['--ros-args', *words])
        for _ in seeds:
            report(_trial(station, driver, service, folder / 'pictures'))


def _trial(station: Station, driver: str, service: str, pictures: Path) -> TrialResult:
    operator, simulator = station.operator, station.simulator
    rejected = len(operator.rejected)
    drawn = station.reset()
    operator.wait(simulator.ready_s)
    name = f'{station.robot}_{driver}_{drawn["seed"]}'
    _save(station, pictures / f'{name}_start.png')
    operator.switch(service, True)
    distance_m = _watch(operator, simulator, drawn['tolerance'])
    _save(station, pictures / f'{name}_end.png')
    operator.switch(service, False)
    # The stop takes a moment; the next reset must not cut it short.
    operator.wait(0.5)
    return TrialResult(
        robot=station.robot,
        driver=driver,
        seed=drawn['seed'],
        start_m=drawn['distance'],
        distance_m=round(distance_m, 4),
        tolerance_m=drawn['tolerance'],
        rejected=len(operator.rejected) - rejected,
    )


def _watch(operator: Operator, simulator: Simulator, tolerance_m: float) -> float:
    """Wait for the end of a trial; the largest distance over its last `stay_s` [m]."""
    begin_s = operator.now_s
    distances: deque[tuple[float, float]] = deque([(begin_s, operator.distance_m)])

    def is_over() -> bool:
        distances.append((operator.now_s, operator.distance_m))
        while distances[0][0] < operator.now_s - simulator.stay_s:
            distances.popleft()
        is_long = operator.now_s - begin_s > simulator.stay_s
        return simulator.ends_when_done and is_long and _farthest(distances) <= tolerance_m

    operator.wait(simulator.trial_s, is_over)
    return _farthest(distances)


def _farthest(distances: Iterable[tuple[float, float]]) -> float:
    return max(distance_m for _, distance_m in distances)


def _save(station: Station, path: Path) -> None:
    real_folder(path.parent.parent, Path(path.parent.name))
    picture = station.operator.picture(f'{station.simulator.camera}/image_raw')
    _, data = cv2.imencode('.png', cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    write_whole(path, data.tobytes())

"""Closed-loop trials: a driver moves a simulated robot, and the distance is measured."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2

from neuracore_ros.demo.station import Simulator, Station
from neuracore_ros.description.shipped import shipped

FIRST_SEED = 10_000
"""No recorded episode has so high a seed: what is scored was never seen."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial and how it ended.

    Attributes:
        robot: Who moved.
        driver: ``expert``, ``untrained`` or ``trained``.
        seed: Of the trial.
        start_m: Distance from the target at the start [m].
        distance_m: Largest distance from the target at the end, over the simulator's `stay_s` [m].
        tolerance_m: What counts as reached [m].
        rejected: Commands that the controller rejected.
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
        """Whether the task was done, and stayed so, at the end."""
        return self.distance_m <= self.tolerance_m

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
    report: Callable[[Trial], None],
    robot_file: Path | None = None,
) -> None:
    """Let the expert, or the real node with a policy file, drive a robot through trials.

    Args:
        simulator: What moves the robot.
        robot: Name of a simulated robot.
        driver: Name of the driver, for the report.
        policy: Policy file; None lets the expert drive.
        seeds: Of the trials; consecutive.
        speed: Simulated seconds a second.
        folder: Of logs and pictures.
        report: Called after each trial.
        robot_file: For the node; None: the shipped one.

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
            }
            parameters = [word for key, v in values.items() for word in ('-p', f'{key}:={v}')]
            station.start('neuracore_ros.node.infer_node', ['--ros-args', *parameters])
        for _ in seeds:
            report(_trial(station, driver, service, folder / 'pictures'))


def _trial(station: Station, driver: str, service: str, pictures: Path) -> Trial:
    operator, simulator = station.operator, station.simulator
    rejected = len(operator.rejected)
    drawn = station.reset()
    operator.wait(0.3)
    name = f'{station.robot}_{driver}_{drawn["seed"]}'
    _save(station, pictures / f'{name}_start.png')
    operator.switch(service, True)
    operator.wait(simulator.trial_s - simulator.stay_s)
    farthest = 0.0

    def watch() -> bool:
        nonlocal farthest
        farthest = max(farthest, operator.distance_m)
        return False

    operator.wait(simulator.stay_s, watch)
    _save(station, pictures / f'{name}_end.png')
    operator.switch(service, False)
    # The stop takes a moment; the next reset must not cut it short.
    operator.wait(0.5)
    return Trial(
        robot=station.robot,
        driver=driver,
        seed=drawn['seed'],
        start_m=drawn['distance'],
        distance_m=round(farthest, 4),
        tolerance_m=drawn['tolerance'],
        rejected=len(operator.rejected) - rejected,
    )


def _save(station: Station, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = station.operator.picture(f'{station.simulator.camera}/image_raw')
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))

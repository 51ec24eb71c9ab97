"""One simulated robot with its operator, in a ROS domain of its own."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuracore_ros.demo.processes import Background, own_domain
from neuracore_ros.errors import UserError
from neuracore_ros.sim.operator import Operator


@dataclass(frozen=True, slots=True)
class Simulator:
    """The simulator of a demo's robots, and the times of its task, in the robot's time.

    Attributes:
        module: Its executable.
        camera: Whose pictures a person would look at.
        disturbance: Random pushes to the joints while an expert is recorded, std [rad/s]. They
            make it recover from where it would never go by itself; a policy that learned only
            from undisturbed motion drifts off (DART, Laskey et al. 2017).
        linger_s: How long an episode goes on after the task is done.
        trial_s: How long a driver has.
        stay_s: How long the task must stay done.
        ends_when_done: Whether a trial ends as soon as the task stayed done; otherwise it must
            be done at the end of `trial_s`.
        ready_s: How long a driver waits after a reset.
    """

    module: str
    camera: str
    disturbance: float
    linger_s: float
    trial_s: float
    stay_s: float
    ends_when_done: bool
    ready_s: float = 0.3


# Lingering matters: with half a second, policies stopped about a ball's width beside the target.
# So do gentle pushes: with 0.2 rad/s they ended two to three times as far from the target.
# The expert needs about two seconds.
KINEMATIC = Simulator(
    module='neuracore_ros.sim.robot_node',
    camera='overhead',
    disturbance=0.08,
    linger_s=1.0,
    trial_s=5.0,
    stay_s=1.0,
    ends_when_done=False,
)


class Station(AbstractContextManager['Station']):
    """Starts the simulated robot, and ends all that was started at it.

    Args:
        simulator: What moves the robot.
        robot: Name of the simulated robot.
        first_seed: Seed of its first trial; the next trials count up.
        speed: Simulated seconds a second.
        logs: Folder of the processes' logs.
        disturbance: Random pushes to the joints, std [rad/s].
    """

    def __init__(
        self,
        simulator: Simulator,
        robot: str,
        first_seed: int,
        speed: float,
        logs: Path,
        disturbance: float = 0.0,
    ) -> None:
        self.simulator = simulator
        self.robot = robot
        self._seed = first_seed
        self._logs = logs
        self._processes: list[Background] = []
        self._stack = ExitStack()
        with self._stack:
            self._domain = self._stack.enter_context(own_domain())
            trials = ['--seed', str(first_seed), '--speed', str(speed)]
            parameters = ['--ros-args', '-p', f'disturbance:={disturbance}']
            self.start(simulator.module, ['--robot', robot, *trials, *parameters])
            self.operator = self._stack.enter_context(Operator(self._domain, self._alive))
            # A physics engine takes seconds to come up; what looks for its clock would give up.
            self.operator.wait(0.1)
            self._stack = self._stack.pop_all()

    def start(self, module: str, arguments: list[str]) -> None:
        """Start a process beside the robot; it ends with the station at the latest."""
        log = self._logs / f'{self.robot}_{module.rsplit(".", 1)[-1]}.log'
        process = Background(module, arguments, self._domain, log)
        self._processes.append(process)
        self._stack.push(process)

    def reset(self) -> dict[str, Any]:
        """Begin the next trial; returns what `Operator.reset` does.

        Raises:
            UserError: Another simulated robot answers.
        """
        trial = self.operator.reset()
        # The simulator began with the first one.
        self._seed += 1
        if trial['seed'] != self._seed:
            raise UserError(
                f'another simulated robot answers in ROS domain {self._domain}: it begins trial '
                f'{trial["seed"]}, not {self._seed}; end what an earlier run has left behind'
            )
        return trial

    def __exit__(self, *_: object) -> None:
        self._processes.clear()
        self._stack.close()

    def _alive(self) -> None:
        for process in self._processes:
            process.check()

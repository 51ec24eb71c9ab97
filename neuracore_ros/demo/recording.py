"""Episodes of the scripted expert, recorded from the topics by the recorder that users have."""

from collections.abc import Callable
from pathlib import Path

from neuracore_ros.demo.station import Simulator, Station
from neuracore_ros.description.shipped import shipped

# Long enough for every arm; an episode ends earlier, a while after the task is done.
_PATIENCE_S = 6.0


def record(
    simulator: Simulator,
    robot: str,
    episodes: int,
    folder: Path,
    speed: float,
    logs: Path,
    say: Callable[[str], None],
) -> None:
    """Record what ``folder`` lacks of so many episodes, one bag each.

    Raises:
        UserError: A process ended, or a service refused.
    """
    done = len(list(folder.glob('episode_*'))) if folder.is_dir() else 0
    if done >= episodes:
        return
    with Station(simulator, robot, done, speed, logs, simulator.disturbance) as station:
        arguments = [str(shipped(robot)), '--out', str(folder), '--use-sim-time', '--services']
        station.start('neuracore_ros.cli.main', ['record', *arguments])
        for number in range(done, episodes):
            _episode(station)
            if (number + 1) % 10 == 0 or number + 1 == episodes:
                say(f'{robot}: {number + 1} of {episodes} episodes recorded')


def _episode(station: Station) -> None:
    operator = station.operator
    tolerance_m = station.reset()['tolerance']
    operator.wait(0.2)
    operator.trigger('record/start')
    operator.switch('sim/expert', True)
    # Half the tolerance: the pushes must not be what stops the recording.
    operator.wait(_PATIENCE_S, lambda: operator.distance_m < tolerance_m / 2)
    operator.wait(station.simulator.linger_s)
    operator.switch('sim/expert', False)
    operator.trigger('record/stop')

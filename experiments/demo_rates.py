"""Drive the demo's arms by its policies in lockstep: the rates behind its ten trials.

    python experiments/demo_rates.py DEMO_FOLDER --trials 50

Without ROS, in the node's `Runner`, on the seeds of the demo's trials and those after them.
``--paint 238,208,110`` gives the SO-100's body another colour, here yellow.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
from lockstep import World, drive

from neuracore_ros.command.settings import Settings
from neuracore_ros.demo.slots import JOINTS, NEVER_SEEN, POSES, TRAINED_ON, SlotChoice
from neuracore_ros.demo.station import KINEMATIC
from neuracore_ros.demo.trials import FIRST_SEED
from neuracore_ros.description import load_robot
from neuracore_ros.policy.load import load_policy
from neuracore_ros.sim.arms import ARMS, GREEN, ReachArm
from neuracore_ros.sim.robot import ReachRobot


def painted(arm: ReachArm, colour: Sequence[int]) -> ReachArm:
    """An arm whose green links have another colour."""
    red, green, blue = colour
    capsules = (
        replace(capsule, colour=(red, green, blue)) if capsule.colour == GREEN else capsule
        for capsule in arm.capsules
    )
    return replace(arm, capsules=tuple(capsules))


def reached(arm: ReachArm, slots: SlotChoice, policy_file: Path, trials: int) -> int:
    """The number of trials that succeed, as those of the demo do."""
    robot = load_robot(slots.robot_file(arm.name))
    policy = load_policy(policy_file, threads=1, robot=robot.name)
    count = 0
    for seed in range(FIRST_SEED, FIRST_SEED + trials):
        simulated, distances = ReachRobot(arm, seed), list[float]()
        world = World(simulated, simulated.cameras, arm.reach)

        def watch(at: ReachRobot = simulated, seen: list[float] = distances) -> None:
            seen.append(at.distance())

        drive(world, robot, policy, KINEMATIC.trial_s, Settings(), watch)
        last = round(KINEMATIC.stay_s / 0.05)
        count += max(distances[-last:]) <= simulated.tolerance()
    return count


def main() -> None:
    """Print one line for each arm and each policy."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('--trials', type=int, default=50)
    parser.add_argument('--paint', metavar='R,G,B')
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    for slots in (JOINTS, POSES):
        policy = arguments.folder / slots.name / 'run' / 'policy.pt'
        for name in TRAINED_ON + NEVER_SEEN:
            arm = ARMS[name]
            if arguments.paint:
                arm = painted(arm, [int(part) for part in arguments.paint.split(',')])
            count = reached(arm, slots, policy, arguments.trials)
            print(f'{name}, {slots.title}: {count} of {arguments.trials}', flush=True)


if __name__ == '__main__':
    main()

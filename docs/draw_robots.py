"""The picture of three simulated robots that share a policy."""

from pathlib import Path
from unittest import mock

import cv2
from sheet import BLUE, GREEN, INK, LINE, NOT_THERE, ORANGE, PALE, PINK, Sheet

from neuracore_ros.arrays import ByteArray
from neuracore_ros.demo.slots import JOINTS, POSES, TRAINED_ON
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.sim import camera
from neuracore_ros.sim.arms import ARMS, ArmKinematics
from neuracore_ros.sim.expert import solve_posture
from neuracore_ros.sim.reaching import draw_trial


def robots(path: Path) -> None:
    """Draw the arms of the demo at their balls, above their slots and what came of them."""
    sheet = Sheet(
        980, 588, 'One policy for three simulated robots, by joint slots and by pose slots'
    )
    left, step, width, height, top, row_px = 92, 298, 284, 213, 52, 20
    table, joints = top + height + 44, DataType.JOINT_POSITIONS
    below = table + 7 * row_px + 52
    for number, (name, title, colour) in enumerate(SHOWN):
        robot, x = load_robot(shipped(name)), left + number * step
        middle = x + width / 2
        sheet.text(middle, top - 28, title, 15, bold=True)
        trained = name in TRAINED_ON
        sheet.text(
            middle, top - 10, 'recorded and trained on' if trained else 'never trained on', 12
        )
        overhead, wrist = reached(name, seed=9)
        sheet.image(x, top, width, height, png(overhead), PALE)
        sheet.image(x + width - 90, top + height - 69, 84, 63, png(wrist), '#ffffff')
        for index in range(7):
            y, joint = table + row_px * index, robot.input[joints].get(index)
            source = robot.source(joints, joint) if joint else None
            fill = None if joint else NOT_THERE
            sheet.box(x, y, width, row_px - 3, colour if joint else LINE, fill, not joint)
            turned = ' (x -1)' if source and source.scale < 0 else ''
            words = f'{joint}{turned}' if joint else 'none: padded and masked'
            sheet.text(middle, y + 13, words, 11, INK if joint else PALE)
        hand = load_robot(shipped(f'{name}_hand'))
        chain = hand.chains['hand']
        sheet.box(x, below, width, 40, PINK)
        sheet.text(middle, below + 17, f'{chain.name}: pose of {chain.tip} in {chain.base},', 11)
        reach = 1 / hand.pose_scale(DataType.END_EFFECTOR_POSES, chain.name)
        sheet.text(middle, below + 33, f'two shared frames, in reaches of {reach:.3g} m', 11)
        for y, slots in ((table + 7 * row_px + 15, JOINTS), (below + 58, POSES)):
            count = REACHED[slots.name][number]
            words = f'a policy of {slots.title}: {count} of {TRIALS} balls'
            sheet.text(middle, y, words, 13, GREEN if count >= 8 else ORANGE, bold=True)
    sheet.text(left, table - 10, 'Joint slots', 13, anchor='start', bold=True)
    sheet.text(left, below - 7, 'Pose slots', 13, anchor='start', bold=True)
    for index in range(7):
        sheet.text(left - 12, table + row_px * index + 13, f'index {index}', 11, PALE, 'end')
    sheet.text(left - 12, below + 17, 'index 0', 11, PALE, 'end')
    says = 'Pictures of the simulated cameras; the small one, at the wrist, only the Panda reads.'
    sheet.text(left, 588, says, 12, PALE, 'start')
    sheet.save(path)


TRIALS = 10
REACHED = {'joints': (9, 10, 0), 'poses': (10, 10, 9)}
"""Of `make demo`, as README.md has it: Panda, UR5, SO-100."""

SHOWN = (('franka', 'Panda', BLUE), ('ur5', 'UR5', ORANGE), ('so100', 'SO-100', GREEN))


def reached(name: str, seed: int) -> tuple[ByteArray, ByteArray]:
    """Draw the images of an arm that has reached its ball: overhead, wrist."""
    # Larger than the images on the topics.
    with mock.patch.multiple(camera, WIDTH=320, HEIGHT_PX=240):
        kinematics = ArmKinematics(ARMS[name])
        cameras, trial = camera.ReachCameras(kinematics), draw_trial(kinematics, seed)
        cameras.set_target(trial.target)
        posture = solve_posture(kinematics, trial.target)
        return cameras.overhead(posture), cameras.wrist(posture)


def png(image: ByteArray) -> bytes:
    """Encode an RGB image as a PNG file."""
    _, data = cv2.imencode('.png', image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return data.tobytes()

"""The picture of three simulated robots that share a policy."""

from pathlib import Path
from unittest import mock

import cv2
from sheet import BLUE, GREEN, INK, LINE, NOT_THERE, ORANGE, PALE, PINK, Sheet

from neuracore_ros.arrays import ByteArray
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.sim import camera
from neuracore_ros.sim.arms import ARMS, ArmKinematics
from neuracore_ros.sim.expert import solve_posture
from neuracore_ros.sim.reaching import draw_trial


def robots(path: Path) -> None:
    """Draw the arms of the demo at their balls, above the indices that their joints share."""
    sheet = Sheet(980, 548, 'One policy for three simulated robots')
    left, step, width, height, top, row_px = 92, 298, 284, 213, 34, 27
    table, joints = top + height + 26, DataType.JOINT_POSITIONS
    for number, (name, title, colour) in enumerate(SHOWN):
        robot, x = load_robot(shipped(name)), left + number * step
        sheet.text(x + width / 2, top - 12, title, 15, bold=True)
        overhead, wrist = reached(name, seed=9)
        sheet.image(x, top, width, height, png(overhead), PALE)
        sheet.image(x + width - 90, top + height - 69, 84, 63, png(wrist), '#ffffff')
        for index in range(7):
            y, joint = table + row_px * index, robot.input[joints].get(index)
            source = robot.source(joints, joint) if joint else None
            fill = None if joint else NOT_THERE
            sheet.box(x, y, width, row_px - 4, colour if joint else LINE, fill, not joint)
            turned = ' (x -1)' if source and source.scale < 0 else ''
            words = f'{joint}{turned}' if joint else 'none: padded and masked'
            sheet.text(x + width / 2, y + 16, words, 12, INK if joint else PALE)
        middle = x + width / 2
        sheet.line([(middle, 478), (middle, table + 7 * row_px + 4)], INK, 1.4, arrow=True)
    for index in range(7):
        sheet.text(left - 12, table + row_px * index + 16, f'index {index}', 12, PALE, 'end')
    sheet.box(left, 480, 2 * step + width, 30, PINK)
    sheet.text(left + step + width / 2, 500, 'one policy file, one node', 14, bold=True)
    says = 'Images are those of the simulated cameras; the small one is at the wrist.'
    sheet.text(left, 532, says, 12, PALE, 'start')
    sheet.save(path)


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

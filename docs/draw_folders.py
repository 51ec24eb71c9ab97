"""The picture of the folders of the package and the flow of data."""

from collections.abc import Mapping
from pathlib import Path

from sheet import BLUE, GREEN, INK, ORANGE, PALE, PINK, Sheet


def architecture(path: Path) -> None:
    """Draw the folders and the flow of data."""
    sheet = Sheet(980, 546, 'Which way data goes through the folders of neuracore_ros')
    sheet.box(218, 96, 572, 176, PINK, 'none', dashed=True)
    for folder, (x, y, width, height, says, library, colour) in FOLDERS.items():
        sheet.box(x, y, width, height, colour)
        sheet.text(x + width / 2, y + 21, folder, 15, bold=True)
        for number, line in enumerate(says.split('\n')):
            sheet.text(x + width / 2, y + 39 + 15 * number, line, 11.5)
        line = 20 if height < 60 else height - 8
        sheet.text(x + width - 8, y + line, library, 11, PALE, 'end')
    for words, x, y in OUTSIDE:
        for number, line in enumerate(words.split('\n')):
            sheet.text(x, y + 16 * number, line, 12.5, PALE)
    for *points, dashed in ARROWS:
        sheet.line(points, INK, 1.4, dashed, arrow=True)
    sheet.save(path)


# Folder -> x, y, width, height, what it does, libraries that few may load, colour.
FOLDERS: Mapping[str, tuple[float, float, float, float, str, str, str]] = {
    'description': (20, 14, 940, 60, 'robot files in; layout, sources, limits out', '', GREEN),
    'node': (232, 104, 544, 50, 'the ROS 2 shell: parameters, topics, services', 'rclpy', PINK),
    'wire': (20, 104, 174, 68, 'frames over a socket', 'websockets', INK),
    'serving': (814, 104, 146, 68, 'a policy for clients', 'websockets', INK),
    'watch': (886, 262, 74, 72, 'on a screen', 'rclpy', INK),
    'runner': (232, 160, 544, 46, 'observe, predict, command, on a given clock', '', INK),
    'observation': (232, 212, 164, 52, 'messages to arrays', 'cv2', BLUE),
    'policy': (422, 212, 164, 52, 'arrays to predictions', 'torch', BLUE),
    'command': (612, 212, 164, 52, 'predictions to trajectories', '', BLUE),
    'bags': (20, 342, 124, 84, 'recordings,\nread and written', 'rosbags', ORANGE),
    'convert': (166, 342, 124, 84, 'one tick loop:\nsteps, episodes', '', ORANGE),
    'dataset': (312, 342, 124, 84, 'the format on\nthe disk', 'pyarrow, av', ORANGE),
    'loading': (458, 342, 124, 84, 'batches from\nanywhere in it', '', ORANGE),
    'training': (604, 342, 164, 84, 'batches to a policy;\nexport to runtimes', 'torch', ORANGE),
    'evaluation': (790, 342, 170, 84, 'recordings through\nthe same runner', '', ORANGE),
    'cli': (20, 446, 56, 84, 'one verb,\none file', '', INK),
    'edit': (80, 446, 84, 84, 'episodes into\na new dataset', '', INK),
    'kinematics': (168, 446, 98, 84, 'arms in space', '', INK),
    'alignment': (270, 446, 90, 84, 'which joints\ndo the same', '', INK),
    'scaffold': (364, 446, 80, 84, 'drafts of\nrobot files', '', INK),
    'overview': (448, 446, 82, 84, 'robots side\nby side', '', INK),
    'viewer': (534, 446, 70, 84, 'robots in\n3D', 'viser', INK),
    'report': (608, 446, 84, 84, 'pages and\ncharts', 'pyarrow, av', INK),
    'sim': (696, 446, 74, 84, 'simulated\nrobots', 'rclpy', INK),
    'physics': (774, 446, 98, 84, 'robots in\nMuJoCo', 'mujoco, rclpy', INK),
    'demo': (876, 446, 84, 84, 'record, train,\ndrive', 'rclpy', INK),
}
OUTSIDE = (
    ('topics of the robot:\njoints, images, ...', 92, 232),
    ('its controllers:\ntrajectories, goals', 892, 232),
    ('policy file', 596, 304),
)
# Points, and whether it is dashed: the dashed ones carry code that is used twice, not data.
ARROWS = (
    ((158, 238), (230, 238), False),
    ((398, 238), (420, 238), False),
    ((588, 238), (610, 238), False),
    ((778, 238), (826, 238), False),
    ((146, 384), (164, 384), False),
    ((292, 384), (310, 384), False),
    ((438, 384), (456, 384), False),
    ((584, 384), (602, 384), False),
    ((686, 340), (686, 312), (504, 312), (504, 266), False),
    ((314, 266), (314, 312), (228, 312), (228, 340), True),
    ((875, 340), (875, 300), (812, 300), (812, 183), (778, 183), True),
)

"""``neuracore_ros align``: robots side by side in a browser, moved and mended slot by slot."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from neuracore_ros.cli.arguments import OR_SHIPPED, add_urdfs, named_file, port
from neuracore_ros.cli.terminal import print_warnings
from neuracore_ros.description.descriptions import Descriptions, load_descriptions
from neuracore_ros.description.shipped import is_shipped, robot_file
from neuracore_ros.errors import UserError, collect_warnings
from neuracore_ros.similar_names import known_names

if TYPE_CHECKING:
    from neuracore_ros.viewer.edited_robots import EditedRobots
    from neuracore_ros.viewer.robot_model import RobotModel

SUMMARY = 'Show robots side by side in a browser, move them slot by slot, and mend their files.'
EXAMPLES = """  neuracore_ros align my_robot.yaml franka          # then open http://127.0.0.1:8090
  neuracore_ros align cross.yaml --urdf ur5=ur5.urdf
  neuracore_ros align my_robot.yaml franka --recording my_robot=bags/episode_000

Ctrl-C ends it. The files of shipped robots are shown and not changed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument(
        'files',
        nargs='+',
        type=robot_file,
        metavar='ROBOT',
        help=f'robot or cross-embodiment file{OR_SHIPPED}',
    )
    parser.add_argument(
        '--port', type=port, default=8090, metavar='N', help='0: any free one (default: 8090)'
    )
    add_urdfs(parser, 'draw it')
    parser.add_argument(
        '--recording',
        action='append',
        default=[],
        type=named_file,
        metavar='ROBOT=BAG',
        help='bag, or episode of a dataset, to play on a robot (may be repeated)',
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    # Before the libraries are loaded: trimesh passes over a KeyboardInterrupt that comes then.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, stop)
    from neuracore_ros.viewer.page import AlignPage
    from neuracore_ros.viewer.page_server import PageServer
    from neuracore_ros.viewer.recordings import OpenRecordings

    with collect_warnings() as spelling:
        descriptions = load_descriptions(arguments.files)
    robots = _robots(descriptions, dict(arguments.urdf))
    for robot, _ in arguments.recording:
        _require_robot(robot, descriptions, '--recording')
    recordings = OpenRecordings(robots, arguments.recording) if arguments.recording else None
    server = PageServer(arguments.port, 'neuracore_ros align')
    try:
        page = AlignPage(server, robots, recordings)
        print_warnings(spelling)
        for model in robots.models.values():
            for note in model.notes:
                print(f'note: {model.name}: {note}', file=sys.stderr)
        print(f'{", ".join(robots.models)}: {server.url} (Ctrl-C ends it)', flush=True)
        stopped.wait()
        page.end()
    finally:
        server.stop()
    for name in robots.unsaved():
        print(f'changes of {robots.editors[name].path} were not saved', file=sys.stderr)
    return 0


def _robots(descriptions: Descriptions, urdfs: Mapping[str, Path]) -> EditedRobots:
    """The robots with their URDFs; the files of those that are not shipped may be changed."""
    from neuracore_ros.viewer.edited_robots import EditedRobots
    from neuracore_ros.viewer.robot_file_editor import RobotFileEditor
    from neuracore_ros.viewer.robot_model import RobotModel

    for name in urdfs:
        _require_robot(name, descriptions, '--urdf')
    models: list[RobotModel] = []
    for name in descriptions.input:
        models.append(RobotModel.of(descriptions.robot(name), urdfs.get(name)))
    editors = {model.name: RobotFileEditor.open(model.robot.path) for model in models}
    fixed = [model.name for model in models if is_shipped(model.robot.path)]
    return EditedRobots(models, editors, fixed)


def _require_robot(name: str, descriptions: Descriptions, option: str) -> None:
    if name not in descriptions.robots:
        known = known_names(name, descriptions.robots)
        raise UserError(f"{option} {name}=...: no robot file here is of '{name}'{known}")

"""``neuracore_ros layout``: the robots by index, before anything is trained, and after."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neuracore_ros.cli.arguments import OR_SHIPPED, add_urdfs, any_file
from neuracore_ros.cli.terminal import print_warnings
from neuracore_ros.description.descriptions import load_descriptions
from neuracore_ros.errors import UserError, collect_warnings
from neuracore_ros.files import require_new_file, write_whole
from neuracore_ros.policy.address import path_or_address
from neuracore_ros.policy.load import names_policy

if TYPE_CHECKING:
    from neuracore_ros.policy.manifest import Manifest

SUMMARY = 'Show the joints and cameras of robots by their index in the model.'
EXAMPLES = """  neuracore_ros layout franka_ur5
  neuracore_ros layout franka ur5 my_robot.yaml --out layout.svg
  neuracore_ros layout franka.yaml ur5.yaml --urdf franka=panda.urdf --urdf ur5=ur5.urdf
  neuracore_ros layout runs/act/policy.pt my_robot.yaml      # compare with a policy
  neuracore_ros layout cross.yaml --json

Warnings on stderr say how to correct slots that look misaligned."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument(
        'files',
        nargs='+',
        type=any_file,
        help=f'robot or cross-embodiment file or description{OR_SHIPPED}; one may be a policy',
    )
    parser.add_argument(
        '--policy', type=path_or_address, help='compare the robots with this policy'
    )
    add_urdfs(parser, 'compare its joints')
    parser.add_argument('--out', type=Path, metavar='FILE', help='picture to write (.svg)')
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(arguments: argparse.Namespace) -> int:
    """Print the tables, draw the picture, and say what is worth a second look."""
    files, policy = _sorted(arguments.files, arguments.policy)
    out = arguments.out
    if out is not None:
        if out.suffix.lower() != '.svg':
            raise UserError(f'{out}: the picture is an SVG file: give a name that ends in .svg')
        require_new_file(out)
    from neuracore_ros.overview.compared import compared_arms, compared_poses
    from neuracore_ros.overview.survey import survey
    from neuracore_ros.overview.text import as_json, as_text

    with collect_warnings() as spelling:
        descriptions = load_descriptions(files)
    arms, notes = compared_arms(descriptions, dict(arguments.urdf))
    poses, unposed = compared_poses(descriptions)
    found = survey(descriptions, arms, _manifest(policy), spelling + notes + unposed, poses)
    if out is not None:
        from neuracore_ros.overview.picture import draw

        write_whole(out, draw(found))
    print(json.dumps(as_json(found), indent=2) if arguments.json else as_text(found))
    print_warnings(found.warnings)
    return 0


def _sorted(
    files: Sequence[Path | str], policy: Path | str | None
) -> tuple[list[Path], Path | str | None]:
    """Robots, and the policy."""
    policies = [path for path in files if names_policy(path)]
    policies += [policy] if policy is not None else []
    if len(policies) > 1:
        raise UserError(f'one policy at a time: {" and ".join(map(str, policies))} are given')
    robots = [Path(path) for path in files if path not in policies]
    return robots, policies[0] if policies else None


def _manifest(path: Path | str | None) -> Manifest | None:
    if path is None:
        return None
    from neuracore_ros.policy.load import described_policy, load_policy
    from neuracore_ros.policy.model_thread import ModelThread

    return described_policy(path) or ModelThread().call(lambda: load_policy(path).manifest)

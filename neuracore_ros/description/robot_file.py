"""The robot file: read, and checked as a whole."""

import math
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from neuracore_ros.description.chain import Chain, parse_chains
from neuracore_ros.description.command_table import CommandTable, parse_commands
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.direct_table import check_direct, direct_limits, require_used
from neuracore_ros.description.embodiment import (
    EmbodimentDescription,
    parse_data_type,
    parse_embodiment,
)
from neuracore_ros.description.gripper import amounts
from neuracore_ros.description.limits import JointLimit, PartialLimit, parse_limit
from neuracore_ros.description.named_slots import named_vocabulary, warn_of_unnamed
from neuracore_ros.description.robot import Robot
from neuracore_ros.description.routes import Routes, is_feature
from neuracore_ros.description.shipped import instead_of
from neuracore_ros.description.source_options import SourceOptions, parse_sources
from neuracore_ros.description.source_table import SourceTable
from neuracore_ros.description.teleop import parse_teleop
from neuracore_ros.description.urdf import Urdf, read_urdf
from neuracore_ros.errors import DescriptionError, DescriptionWarning
from neuracore_ros.given_path import given_path
from neuracore_ros.similar_names import did_you_mean, known_names, similar_file
from neuracore_ros.yaml_value import YamlValue, read_yaml

_KEYS = (
    'robot',
    'vocabulary',
    'urdf',
    'limits',
    'chains',
    'input',
    'output',
    'sources',
    'targets',
    'commands',
    'teleop',
)


def load_robot(path: Path | str) -> Robot:
    """Read one robot file.

    Raises:
        DescriptionError: Anything in it is wrong, with file and line.
    """
    path = Path(path)
    return parse_robot(read_yaml(path, instead=instead_of), path)


def parse_robot(value: YamlValue, path: Path) -> Robot:
    """Check a robot file that was read.

    Raises:
        DescriptionError: Anything in it is wrong, with file and line.
    """
    _require_a_robot(value, path)
    fields = value.fields('a robot file', _KEYS)
    for key in ('robot', 'input', 'output'):
        if key not in fields:
            raise value.error(f"a robot file needs the key '{key}'")
    name = fields['robot'].string('robot')
    vocabulary = named_vocabulary(fields.get('vocabulary'), path)
    given_input = parse_embodiment(fields['input'], vocabulary)
    wanted = parse_embodiment(fields['output'], vocabulary)
    if not given_input:
        raise fields['input'].error('the robot has no input: a model could read nothing')
    file = str(path)
    urdf_path = _urdf_path(fields.get('urdf'), path)
    urdf = read_urdf(urdf_path) if urdf_path else Urdf({}, {})
    chains = parse_chains(fields.get('chains'), urdf, urdf_path)
    # A commanded joint must be measured, so sources may speak of that type and name, too.
    names: dict[DataType, list[str]] = {}
    for description in (given_input, wanted):
        for kind, slots in description.items():
            names.setdefault(kind, []).extend(slots.values())
    for kind, slots in wanted.items():
        names.setdefault(kind.measured, []).extend(slots.values())
    output_names = {kind: list(slots.values()) for kind, slots in wanted.items()}
    commands = parse_commands(fields.get('commands'), output_names, file, chains)
    check_direct(commands, output_names)
    for kind, slots in wanted.items():
        for chain in filter(None, (commands.chain(kind, each) for each in slots.values())):
            names.setdefault(DataType.JOINT_POSITIONS, []).extend(chain.joints)
        if kind is DataType.JOINT_VELOCITIES:
            # Integrated velocities are positions, and are measured as such.
            names.setdefault(DataType.JOINT_POSITIONS, []).extend(slots.values())
    routes = parse_sources(fields.get('sources'), names, file, chains)
    table = SourceTable(file, routes, {}, chains)
    of_joints = {kind: known for kind, known in names.items() if not kind.is_image}
    described = {name for known in of_joints.values() for name in known}
    described |= {table.message_name(kind, n) for kind, known in of_joints.items() for n in known}
    described |= {commands.message_name(k, n) for k, known in output_names.items() for n in known}
    described |= {joint for chain in chains.values() for joint in chain.joints}
    if urdf.limits and urdf.limits.keys().isdisjoint(described):
        warnings.warn(
            f'{urdf_path}: has none of the joints of {file}: is it the URDF of another robot?',
            DescriptionWarning,
            stacklevel=2,
        )
    poses = {each for kind in wanted if kind.is_pose for each in wanted[kind].values()}
    given = _limits(fields.get('limits'), urdf, described, poses)
    sources = SourceTable(file, routes, amounts(given, urdf.limits, urdf.mimics), chains)
    targets = _targets(fields.get('targets'), output_names, sources)
    known = partial(_known_limit, given, urdf)
    output_limits = _output_limits(wanted, commands, known, urdf, file)
    limits_of_direct = direct_limits(commands, wanted, known)
    own = {name: limit for name, limit in given.items() if name not in urdf.limits}
    require_used(limits_of_direct, own, wanted, file)
    _require_turning(routes, output_limits, file)
    _require_homes(chains, known, file)
    _warn_of_chains(names, chains, file)
    _warn_of_grippers(names, wanted, sources, commands)
    teleop = parse_teleop(fields.get('teleop'), wanted, sources, commands, names)
    _require_one_scale(wanted, sources, targets, commands, teleop)
    warn_of_unnamed(vocabulary, given_input, wanted, file)
    return Robot(
        name,
        path,
        given_input,
        wanted,
        output_limits,
        limits_of_direct,
        urdf_path,
        chains,
        sources,
        targets,
        commands,
        teleop,
        vocabulary,
    )


def _require_a_robot(value: YamlValue, path: Path) -> None:
    """Refuse files that people mistake for the file of a robot."""
    top = value.mapping('a robot file')
    if 'robots' in top and top.keys().isdisjoint(_KEYS):
        listed = top['robots'][1]
        files = listed.pairs('robots') if listed.is_mapping() else ()
        one = next((f': {path.parent / str(file.content)}' for _, file in files), '')
        raise value.error(f'lists several robots; give the file of one of them{one}')
    if 'server' in top and 'robot' not in top:
        raise value.error('is a server file, which is the model; the robot file is another one')
    require_no_parameters(top)


def require_no_parameters(top: Mapping[str, tuple[YamlValue, YamlValue]]) -> None:
    """Refuse the parameters file of the node, which people take for the robot file.

    Raises:
        DescriptionError: It is one.
    """
    for key, inner in top.values():
        if inner.is_mapping() and any(k.content == 'ros__parameters' for k, _ in inner.pairs('')):
            raise key.error('is a file of ROS parameters; the robot file is another one')


def _urdf_path(value: YamlValue | None, path: Path) -> Path | None:
    if value is None:
        return None
    if value.string('urdf').startswith('package://'):
        raise value.error(f'urdf {value}: write the path of the file, relative to {path}')
    urdf = path.parent / given_path(value.string('urdf'))
    if not urdf.is_file():
        why = (
            f'{urdf} is a folder'
            if urdf.is_dir()
            else f'there is no file {urdf}{similar_file(urdf)}'
        )
        raise value.error(f'urdf {value}: {why}')
    return urdf


def _limits(
    value: YamlValue | None, urdf: Urdf, described: set[str], poses: set[str]
) -> dict[str, PartialLimit]:
    """The joint limits of the robot file itself."""
    limits = {}
    for joint, (key, limit) in value.mapping('limits').items() if value else ():
        known = described | set(urdf.limits)
        if joint not in known:
            raise key.error(f'limits: no joint {key}{known_names(joint, known)}')
        limits[joint] = parse_limit(limit, joint)
        if limits[joint].angular_velocity and joint not in poses:
            raise key.error(f'limits of {key}: angular_velocity belongs to a pose: remove it')
    return limits


def _targets(
    value: YamlValue | None, output: Mapping[DataType, Collection[str]], sources: SourceTable
) -> SourceTable:
    """The section ``targets``: where commands of outputs without a type of their own are read."""
    for key, _ in value.mapping('targets').values() if value else ():
        if (kind := parse_data_type(key)).is_target:
            raise key.error(f'targets: {kind} holds commands itself: write it under sources')
    names = {kind: names for kind, names in output.items() if not kind.is_target}
    routes = parse_sources(value, names, sources.file, sources.chains, 'targets')
    return replace(sources, routes=routes, section='targets')


def _require_one_scale(
    output: EmbodimentDescription,
    sources: SourceTable,
    targets: SourceTable,
    commands: CommandTable,
    teleop: SourceTable | None,
) -> None:
    """Refuse two scales of one pose: its slot has one meaning, so one of them is a mistake."""
    for kind, slots in output.items():
        for name in slots.values() if kind.is_pose else ():
            written = {
                section: scale
                for section, routes in (
                    ('sources', sources.routes),
                    ('targets', targets.routes),
                    ('commands', commands.routes),
                    *(() if teleop is None else (('teleop', teleop.routes),)),
                )
                if (scale := routes.options(kind, name).scale) is not None
            }
            for section, scale in written.items():
                if scale < 0.0:
                    raise DescriptionError(
                        f"{sources.file}: {section} of {kind}: '{name}' has scale {scale:g}: a "
                        'pose would be mirrored. Turn its frames by base_offset and tip_offset of '
                        'its chain'
                    )
            if len(set(written.values())) > 1:
                found = ', '.join(f'{scale:g} under {key}' for key, scale in written.items())
                raise DescriptionError(
                    f"{sources.file}: the pose '{name}' ({kind}) has scale {found}: write one"
                )


def _known_limit(given: Mapping[str, PartialLimit], urdf: Urdf, name: str) -> PartialLimit:
    """The limits of a name in the robot file, and what they lack in the URDF."""
    nothing = PartialLimit()
    return given.get(name, nothing).over(urdf.limits.get(name, nothing))


def _output_limits(
    output: EmbodimentDescription,
    commands: CommandTable,
    known: Callable[[str], PartialLimit],
    urdf: Urdf,
    file: str,
) -> Mapping[tuple[DataType, str], JointLimit]:
    found: dict[tuple[DataType, str], JointLimit] = {}
    for kind, slots in output.items():
        for chain in filter(None, (commands.chain(kind, each) for each in slots.values())):
            found.update(_chain_limits(kind, chain, known, file))
        for index, name in slots.items():
            is_velocity = kind is DataType.JOINT_VELOCITIES
            joint = commands.message_name(kind, name)
            if joint in urdf.mimics and (kind.is_position or commands.has(kind, name)):
                raise DescriptionError(
                    f"{file}: output '{name}' ({kind} index {index}): '{joint}' mimics "
                    f"'{urdf.mimics[joint].joint}' in the URDF and takes no command: command "
                    f"'{urdf.mimics[joint].joint}'"
                )
            if not (kind.is_position or (is_velocity and commands.is_of_joints(kind, name))):
                continue
            limit = known(name).over(known(joint)).complete()
            if limit is None:
                lacks = 'velocity' if known(name).over(known(joint)).position else 'position'
                raise DescriptionError(
                    f"{file}: output '{name}' ({kind} index {index}) has no {lacks} limit. "
                    f'Add under limits: {name}: {{position: [lower, upper], velocity: v}}'
                )
            found[kind, name] = limit
    return MappingProxyType(found)


def _chain_limits(
    kind: DataType, chain: Chain, known: Callable[[str], PartialLimit], file: str
) -> dict[tuple[DataType, str], JointLimit]:
    found = {}
    for joint in chain.joints:
        if (limit := known(joint).complete()) is None:
            lacks = 'velocity' if known(joint).position else 'position'
            raise DescriptionError(
                f"{file}: joint '{joint}' of chain '{chain.name}' has no {lacks} limit. "
                f'Add under limits: {joint}: {{position: [lower, upper], velocity: v}}'
            )
        found[kind, joint] = limit
    return found


def _require_turning(
    routes: Routes[SourceOptions], limits: Mapping[tuple[DataType, str], JointLimit], file: str
) -> None:
    """Refuse to take angles to another turn where a turn is not the way to the same place."""
    for (output, name), limit in limits.items():
        for kind in (output, output.measured):
            if not math.isfinite(limit.upper - limit.lower):
                continue
            if routes.options(kind, name).around is not None:
                raise DescriptionError(
                    f"{file}: sources of {kind}: around: '{name}' has position limits, and so is "
                    'no continuous joint: give around to the names of continuous joints only'
                )


def _require_homes(
    chains: Mapping[str, Chain], known: Callable[[str], PartialLimit], file: str
) -> None:
    """Refuse homes beyond limits: joints that may choose would lean on their ends."""
    for chain in chains.values():
        for joint, home in chain.home.items():
            lower, upper = known(joint).position or (-math.inf, math.inf)
            if not lower <= home <= upper:
                raise DescriptionError(
                    f"{file}: home of chain '{chain.name}': '{joint}' at {home:g} is outside its "
                    f'limits ({lower:g} to {upper:g})'
                )


def _warn_of_chains(
    names: Mapping[DataType, Collection[str]], chains: Mapping[str, Chain], file: str
) -> None:
    """Warn of chains that are no slot's, as where a name is misspelt."""
    poses = [name for kind, known in names.items() if kind.is_pose for name in known]
    for name in chains:
        if name not in poses:
            hint = did_you_mean(name, poses) or '.'
            warnings.warn(
                f"{file}: chains: no pose slot is called '{name}'{hint} It is shown on ~/path, "
                'where its joints are commanded, and not used otherwise',
                DescriptionWarning,
                stacklevel=2,
            )


def _warn_of_grippers(
    names: Mapping[DataType, Collection[str]],
    output: EmbodimentDescription,
    sources: SourceTable,
    commands: CommandTable,
) -> None:
    """Warn of grippers in raw units, and of those with a scale in one place only."""
    for kind, known in names.items():
        for name in dict.fromkeys(known if kind.is_gripper else ()):
            if sources.has(kind, name) and sources.scaling(kind, name) is None:
                warnings.warn(
                    f"{sources.file}: {kind} '{name}' is taken raw, not as 0 (closed) to 1 "
                    f'(open): its range is not known. Add under limits: {name}: {{position: '
                    '[closed, open]}, or give its source scale and offset',
                    DescriptionWarning,
                    stacklevel=2,
                )
    for kind, slots in output.items():
        for name in slots.values() if kind.is_gripper else ():
            measured = sources.routes.options(kind.measured, name)
            if is_feature(measured.topic):
                continue  # A dataset has a unit of its own, whatever the robot's is.
            if measured.is_scaled and not commands.routes.options(kind, name).is_scaled:
                warnings.warn(
                    f"{sources.file}: {kind} '{name}' is measured with a scale or offset, but "
                    'commanded without: if both are in one unit, write the same under commands',
                    DescriptionWarning,
                    stacklevel=2,
                )

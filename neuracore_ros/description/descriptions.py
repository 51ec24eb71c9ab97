"""Descriptions of many robots, in every form in which people write them."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from neuracore_ros.description.data_type import data_type
from neuracore_ros.description.embodiment import CrossEmbodimentDescription, parse_embodiment
from neuracore_ros.description.layout import Layout
from neuracore_ros.description.robot import Robot
from neuracore_ros.description.robot_file import load_robot, parse_robot, require_no_parameters
from neuracore_ros.description.shipped import instead_of
from neuracore_ros.description.treatment import Treatments, treatments
from neuracore_ros.description.vocabulary import VocabularyId
from neuracore_ros.description.vocabulary_differences import mismatch
from neuracore_ros.errors import DescriptionError, DescriptionWarning
from neuracore_ros.given_path import given_path
from neuracore_ros.similar_names import known_names, similar_file
from neuracore_ros.wording import few
from neuracore_ros.yaml_value import YamlValue, read_yaml

# Keys of a robot file that no DataType and hardly a robot is called.
_ONLY_ROBOTS = {'limits', 'sources', 'commands'}


@dataclass(frozen=True, slots=True)
class Descriptions:
    """The robots of a set of files.

    Attributes:
        input: Robot -> what the model reads.
        output: Robot -> what the model commands.
        robots: Robot -> its robot file, where there is one.
        treatments: Robot -> how its slots are treated; those of which that is unknown are left
            out. Robots with a file need none: see :meth:`treated`.
        vocabulary: The one that robots name for their slots; None where none does.
    """

    input: CrossEmbodimentDescription
    output: CrossEmbodimentDescription
    robots: Mapping[str, Robot] = field(default_factory=dict)
    treatments: Mapping[str, Treatments] = field(default_factory=dict)
    vocabulary: VocabularyId | None = None

    @property
    def input_layout(self) -> Layout:
        """The widths of the model's inputs."""
        return Layout.of(self.input.values())

    @property
    def output_layout(self) -> Layout:
        """The widths of the model's outputs."""
        return Layout.of(self.output.values())

    def treated(self, name: str) -> Treatments | None:
        """The treatments of a robot's slots; None where they are unknown."""
        if name in self.robots:
            return treatments(self.robots[name])
        return self.treatments.get(name)

    def robot(self, name: str) -> Robot:
        """The robot file of this name.

        Raises:
            DescriptionError: There is none.
        """
        if name not in self.robots:
            if name in self.input:
                raise DescriptionError(
                    f"'{name}' is described, but without sources: give its robot file"
                )
            raise DescriptionError(f"no robot '{name}'{known_names(name, self.input)}")
        return self.robots[name]


def load_descriptions(paths: Iterable[Path | str]) -> Descriptions:
    """Read descriptions in any form.

    Args:
        paths: Robot files, cross-embodiment files (``robots: {name: file}``), or plain
            descriptions (robot -> DataType -> index -> name, or a list of names), which count
            as input and as output.

    Raises:
        DescriptionError: A file is wrong, or two of them describe one robot.
    """
    found = Descriptions({}, {}, {})
    for path in map(Path, paths):
        read = _load(path)
        if twice := found.input.keys() & read.input.keys():
            raise DescriptionError(
                f"{path}: robot '{min(twice)}' is described twice: leave a file out, or rename it"
            )
        found = Descriptions(
            {**found.input, **read.input},
            {**found.output, **read.output},
            {**found.robots, **read.robots},
        )
    return replace(found, vocabulary=_common_vocabulary(found.robots.values(), found.input))


def describe_robots(robots: Iterable[Robot]) -> Descriptions:
    """The descriptions of robot files that were read.

    Raises:
        DescriptionError: Two of them name different vocabularies.
    """
    found = _of_robots(robots)
    return replace(found, vocabulary=_common_vocabulary(found.robots.values(), found.input))


def _common_vocabulary(robots: Iterable[Robot], names: Iterable[str]) -> VocabularyId | None:
    """The one vocabulary of all robots that name one; warns of others.

    Raises:
        DescriptionError: Two of them name different ones: an index would mean two things.
    """
    naming = [(each, each.vocabulary) for each in robots if each.vocabulary is not None]
    if not naming:
        return None
    (first, its), *others = naming
    for other, vocabulary in others:
        if text := mismatch(vocabulary, its, (str(other.path), str(first.path))):
            raise DescriptionError(
                f'{text}. Robots of one layout have one: write the same vocabulary in both files, '
                'and the indices that it gives'
            )
    named = {robot.name for robot, _ in naming}
    if without := [name for name in names if name not in named]:
        warnings.warn(
            f"{few(without)}: no vocabulary is named, and {first.path} names '{its.name}': see "
            'that indices, signs and zeros are those of it, and write vocabulary: '
            f'{its.name} in the robot file',
            DescriptionWarning,
            stacklevel=2,
        )
    return its.id


def _load(path: Path) -> Descriptions:
    value = read_yaml(path, instead=instead_of)
    top = value.mapping('a description')
    require_no_parameters(top)
    if ('robot' in top and {'input', 'output'} & top.keys()) or _ONLY_ROBOTS & top.keys():
        return _of_robots([parse_robot(value, path)])
    if 'robots' in top and not top['robots'][1].pairs('robots, {name: its robot file},'):
        raise top['robots'][0].error('robots is empty: write {name: its robot file}')
    if 'robots' in top and _names_files(top['robots'][1]):
        return _of_robots(_cross(value.fields('a cross-embodiment file', ['robots']), path))
    if all(map(_is_data_type, top)):
        plain = parse_embodiment(value)
        return Descriptions({path.stem: plain}, {path.stem: plain})
    return _plain(value)


def _names_files(value: YamlValue) -> bool:
    return value.is_mapping() and all(file.is_scalar() for _, file in value.pairs('robots'))


def _is_data_type(word: str) -> bool:
    try:
        data_type(word)
    except KeyError:
        return False
    return True


def _cross(fields: Mapping[str, YamlValue], path: Path) -> Iterable[Robot]:
    for name, (key, file) in fields['robots'].mapping('robots').items():
        its = path.parent / given_path(file.string(f"file of '{name}'"))
        if not its.is_file():
            raise file.error(f'robots: {key}: there is no file {its}{similar_file(its)}')
        robot = load_robot(its)
        if robot.name != name:
            raise key.error(f"{key} names {robot.path}, whose robot is '{robot.name}'")
        yield robot


def _of_robots(robots: Iterable[Robot]) -> Descriptions:
    by_name = {robot.name: robot for robot in robots}
    return Descriptions(
        {name: robot.input for name, robot in by_name.items()},
        {name: robot.output for name, robot in by_name.items()},
        by_name,
    )


def _plain(value: YamlValue) -> Descriptions:
    given, wanted = {}, {}
    for key, robot in value.mapping('a description').values():
        name = key.string('the name of a robot')
        if not robot.is_mapping():  # Its value is not quoted: it may be a file of another kind.
            raise robot.error(
                f'robot {key} must be a mapping, DataType: names; is it the right file?'
            )
        roles = robot.mapping(f"'{name}'")
        if roles and roles.keys() <= {'input', 'output'}:
            given[name], wanted[name] = (
                parse_embodiment(roles[role][1]) if role in roles else {}
                for role in ('input', 'output')
            )
        else:
            given[name] = wanted[name] = parse_embodiment(robot)
    return Descriptions(given, wanted)

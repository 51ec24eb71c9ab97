"""The manifest of a policy file: all that is needed to run it.

It is inside the file (`neuracore_ros.json`), so that a policy that was trained elsewhere runs,
too. Reading it needs no torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuracore_ros.bounds import (
    MAX_HORIZON,
    MAX_INDEX,
    MAX_OBSERVATION_STEPS,
    MAX_RATE_HZ,
    MAX_SIDE_PX,
    MAX_TEXT_BYTES,
    MIN_RATE_HZ,
)
from neuracore_ros.description import (
    DataType,
    EmbodimentDescription,
    Layout,
    embodiment,
    plain,
)
from neuracore_ros.description.data_type import TEXT_BYTES
from neuracore_ros.description.treatment import Treatments
from neuracore_ros.description.treatment_records import plain_treatments, read_treatments
from neuracore_ros.description.vocabulary import VocabularyId, read_vocabulary_id
from neuracore_ros.errors import DescriptionError, PolicyError, quoted, shortened
from neuracore_ros.records import Record, RecordOrigin, parse_record
from neuracore_ros.similar_names import known_names

MANIFEST_FILE = 'neuracore_ros.json'
FORMAT = 1
_MOST_ROBOTS = 1_000_000
# Lines for people, and characters of one.
_MOST_NOTES, _NOTE = 10_000, 300
# Of the arrays of one prediction: a hundred images of the largest size.
_MOST_BYTES = 5 * 10**9


@dataclass(frozen=True, slots=True)
class TrainedSlots:
    """The slots of one DataType of a model, and the values that it was trained with.

    Attributes:
        width: Slots, W (cameras: K).
        trained: Indices that some training episode had valid, ascending.
        minimum: Smallest trained value per slot, NaN where none; [rad] or [m]. Empty if unknown,
            and for poses.
        maximum: Largest, likewise.
        min_xyz: Smallest trained position of poses, three numbers per slot, NaN where none; [m] in
            the sense of the slot. Empty if unknown, and for what is no pose.
        max_xyz: Largest, likewise.
    """

    width: int
    trained: tuple[int, ...]
    minimum: tuple[float, ...] = ()
    maximum: tuple[float, ...] = ()
    min_xyz: tuple[float, ...] = ()
    max_xyz: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class InputSlots(TrainedSlots):
    """The slots of one DataType that the model reads.

    Attributes:
        image_size: (height, width) of a camera's image, [px]; None for what is no image.
        length: Of a text, [bytes]; None for what is no text.
        required: Indices that a robot must have, ascending: a model that knows no masks would
            take what is missing for a measured zero.
    """

    image_size: tuple[int, int] | None = None
    length: int | None = None
    required: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputSlots(TrainedSlots):
    """The slots of one DataType that the model predicts.

    Attributes:
        mode: 'absolute'; or 'relative': what leaves the module is a difference to the measured
            slot (`DataType.measured`) of the same index.
    """

    mode: str = 'absolute'


@dataclass(frozen=True, slots=True)
class Embodiment:
    """The slots of a robot that was trained on.

    Attributes:
        input: What it has of what the model reads.
        output: What it has of what the model predicts.
        treatments: How its slots were treated; None where that is unknown.
    """

    input: EmbodimentDescription
    output: EmbodimentDescription
    treatments: Treatments | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Inputs and outputs of a policy, its rate, and the data that it was trained on.

    Attributes:
        input: What the model reads.
        output: What the model predicts.
        rate_hz: Steps per second, [Hz].
        horizon: Steps that one prediction covers, H.
        observation_steps: Newest steps that the model reads, T.
        robots: Those that it was trained on, by name.
        versions: Of the software that made the file.
        dataset: What it was trained on, for people.
        inpaint: Whether the model reads the plan in force and continues it; see
            :mod:`neuracore_ros.policy.signature`.
        robot_index: Robot -> its number for the model; empty where the model reads none.
        notes: Which number of a foreign policy is which slot, for people; a line each.
        vocabulary: The one that gives its slots their meaning; None where none is named.
    """

    input: Mapping[DataType, InputSlots]
    output: Mapping[DataType, OutputSlots]
    rate_hz: float
    horizon: int
    observation_steps: int = 1
    robots: Mapping[str, Embodiment] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    dataset: str = ''
    inpaint: bool = False
    robot_index: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    vocabulary: VocabularyId | None = None

    @property
    def input_layout(self) -> Layout:
        """Widths of the inputs."""
        return Layout({data_type: slots.width for data_type, slots in self.input.items()})

    @property
    def output_layout(self) -> Layout:
        """Widths of the outputs."""
        return Layout({data_type: slots.width for data_type, slots in self.output.items()})

    @property
    def image_size(self) -> tuple[int, int] | None:
        """(height, width) of all images, [px]; None if the policy reads none."""
        sizes = (slots.image_size for kind, slots in self.input.items() if kind.is_image)
        return next(sizes, None)

    @property
    def text_bytes(self) -> int:
        """Length of a text of LANGUAGE, [bytes]."""
        slots = self.input.get(DataType.LANGUAGE)
        return slots.length or TEXT_BYTES if slots else TEXT_BYTES

    def input_shape(self, kind: DataType) -> tuple[int, ...]:
        """Shape of an input without its batch: (T, W), images (T, K, height, width, 3)..."""
        slots = self.input[kind]
        one = kind.slot_shape(slots.image_size or (0, 0), slots.length or TEXT_BYTES)
        return (self.observation_steps, slots.width, *one)

    def output_shape(self, kind: DataType) -> tuple[int, ...]:
        """Shape of an output without its batch: (H, W), poses (H, W, 7)."""
        return (self.horizon, self.output[kind].width, *kind.slot_shape())

    def to_json(self) -> str:
        """Write the manifest as one readable JSON document, format 1 (docs/policy_files.md)."""
        return json.dumps(
            {
                'format': FORMAT,
                'input': {kind.value: _slots_json(each) for kind, each in self.input.items()},
                'output': {kind.value: _slots_json(each) for kind, each in self.output.items()},
                'robots': {
                    name: {'input': plain(robot.input), 'output': plain(robot.output)}
                    | _treatments_json(robot)
                    for name, robot in self.robots.items()
                },
                'rate_hz': self.rate_hz,
                'horizon': self.horizon,
                'observation_steps': self.observation_steps,
                'versions': dict(self.versions),
                'dataset': self.dataset,
                'inpaint': self.inpaint,
                'robot_index': dict(self.robot_index),
            }
            | ({'notes': self.notes} if self.notes else {})
            | ({} if self.vocabulary is None else self.vocabulary.plain()),
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str | bytes, where: str = 'manifest') -> Manifest:
        """Read a manifest; unknown keys are ignored, missing optional ones have defaults.

        Args:
            text: The JSON document.
            where: What to call it in an error.

        Raises:
            PolicyError: No JSON, another format, or a key that is missing or of a wrong type.
        """
        if not text.strip():
            raise PolicyError(
                f'{where}: has no manifest ({MANIFEST_FILE!r}, see docs/policy_files.md); '
                'neuracore_ros export writes one'
            )
        root = parse_record(text, RecordOrigin(where, PolicyError), 'the manifest')
        if (number := root.value('format')) != FORMAT or isinstance(number, bool):
            raise root.error(f'format {quoted(number)} is unknown; this version reads {FORMAT}')
        versions = root.record('versions', default={})
        index = root.record('robot_index', default={})
        found = cls(
            input=_read_inputs(root.record('input')),
            output=_by_type(root.record('output'), _read_output),
            rate_hz=root.number('rate_hz', MIN_RATE_HZ, MAX_RATE_HZ),
            horizon=root.count('horizon', MAX_HORIZON),
            observation_steps=root.count('observation_steps', MAX_OBSERVATION_STEPS, default=1),
            robots={
                name: _read_embodiment(robot)
                for name, robot in root.record('robots', default={}).records()
            },
            # For people only; those of other tools may be numbers.
            versions={name: shortened(str(versions.value(name))) for name in versions},
            dataset=root.text('dataset', default=''),
            inpaint=root.flag('inpaint'),
            robot_index={robot: index.integer(robot, high=_MOST_ROBOTS) for robot in index},
            notes=tuple(shortened(note, _NOTE) for note in root.texts('notes')[:_MOST_NOTES]),
            vocabulary=read_vocabulary_id(root),
        )
        _require_memory(found, root)
        return found


def _by_type(record: Record, read: Any) -> dict[DataType, Any]:
    found = {_data_type(name, record.where): read(slots) for name, slots in record.records()}
    if not found:
        raise PolicyError(f'{record.where}: must name at least one DataType')
    return {data_type: found[data_type] for data_type in DataType if data_type in found}


def _read_inputs(record: Record) -> dict[DataType, InputSlots]:
    found: dict[DataType, InputSlots] = _by_type(record, _read_input)
    for data_type, slots in found.items():
        if data_type.is_image and slots.image_size is None:
            raise PolicyError(f"{record.where}: {data_type.value}: lacks 'image_size'")
        if data_type is DataType.LANGUAGE and slots.length is None:
            raise PolicyError(f"{record.where}: {data_type.value}: lacks 'length' in bytes")
    if len({slots.image_size for kind, slots in found.items() if kind.is_image}) > 1:
        raise PolicyError(f"{record.where}: all images must have one 'image_size'")
    return found


def _read_input(record: Record) -> InputSlots:
    size = record.value('image_size', default=None)
    if size is not None:
        height, width = record.sizes('image_size', ('height', 'width'), MAX_SIDE_PX)
        size = height, width
    return InputSlots(
        **_read_slots(record),
        image_size=size,
        length=record.count('length', MAX_TEXT_BYTES) if record.has('length') else None,
        required=_required(record),
    )


def _required(record: Record) -> tuple[int, ...]:
    """The indices that a robot must have; none if the key is missing."""
    if not record.has('required'):
        return ()
    return record.indices('required', record.count('width', MAX_INDEX + 1))


def _read_output(record: Record) -> OutputSlots:
    mode = record.value('mode', default='absolute')
    if mode not in ('absolute', 'relative'):
        raise record.wrong('mode', "'absolute' or 'relative'")
    return OutputSlots(**_read_slots(record), mode=mode)


def _read_slots(record: Record) -> dict[str, Any]:
    """The fields of `TrainedSlots`."""
    width = record.count('width', MAX_INDEX + 1)
    return {
        'width': width,
        'trained': record.indices('trained', width),
        'minimum': record.numbers('min', width),
        'maximum': record.numbers('max', width),
        'min_xyz': record.numbers('min_xyz', 3 * width),
        'max_xyz': record.numbers('max_xyz', 3 * width),
    }


def _require_memory(manifest: Manifest, root: Record) -> None:
    """Refuse sizes that no computer could run."""
    inputs = (
        math.prod(manifest.input_shape(kind)) * np.dtype(kind.dtype).itemsize
        for kind in manifest.input
    )
    outputs = (4 * math.prod(manifest.output_shape(kind)) for kind in manifest.output)
    if (needed := sum(inputs) + sum(outputs)) > _MOST_BYTES:
        raise root.error(
            f'one prediction reads and gives {needed / 1e9:.0f} GB; at most '
            f'{_MOST_BYTES / 1e9:.0f} GB are taken: look at widths, image_size, horizon, '
            'observation_steps'
        )


def _read_embodiment(record: Record) -> Embodiment:
    def read(role: str) -> EmbodimentDescription:
        try:
            return embodiment(record.value(role), f'{record.where}: {role}')
        except DescriptionError as error:
            raise PolicyError(str(error)) from error

    treated = read_treatments(record.record('treatments')) if record.has('treatments') else None
    return Embodiment(read('input'), read('output'), treated)


def _treatments_json(robot: Embodiment) -> dict[str, Any]:
    if robot.treatments is None:
        return {}
    return {'treatments': plain_treatments(robot.treatments)}


def _data_type(name: str, where: str) -> DataType:
    try:
        return DataType(name)
    except ValueError:
        known = known_names(name, DataType.__members__)
        raise PolicyError(f'{where}: {quoted(name)} is no DataType{known}') from None


def _slots_json(slots: TrainedSlots) -> dict[str, Any]:
    """Width, trained indices, and whatever else is known."""
    record = {'width': slots.width, 'trained': slots.trained}
    for key, values in (
        ('min', slots.minimum),
        ('max', slots.maximum),
        ('min_xyz', slots.min_xyz),
        ('max_xyz', slots.max_xyz),
    ):
        if values:
            record[key] = tuple(None if math.isnan(value) else value for value in values)
    further = ('image_size', 'length', 'required', 'mode')
    return record | {key: each for key in further if (each := getattr(slots, key, None))}

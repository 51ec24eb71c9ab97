"""The observer: messages in, padded arrays out; the same for a bag and for the live robot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.description import DataType, Layout, Source
from neuracore_ros.description.source import (
    COMPRESSED_IMAGE,
    FLOAT64_MULTI_ARRAY,
    IMAGE,
    JOINT_STATE,
    JOINT_TRAJECTORY,
)
from neuracore_ros.errors import ObservationError
from neuracore_ros.observation.images import ImageChannel, ImageStream
from neuracore_ros.observation.numbers import NumberStream
from neuracore_ros.observation.samples import StreamFault
from neuracore_ros.observation.streams import SECOND_NS, Stream, StreamStatus
from neuracore_ros.observation.trajectories import TrajectoryStream

Array = NDArray[Any]
BoolArray = NDArray[np.bool_]

_NUMBER_TYPES = (JOINT_STATE, JOINT_TRAJECTORY, FLOAT64_MULTI_ARRAY)


@dataclass(frozen=True, slots=True)
class Observation:
    """What the model sees at one tick.

    Attributes:
        tick_ns: The time.
        inputs: DataType -> float32, shape (W,), in rad or m, for numbers; uint8, shape
            (K, height, width, 3), RGB, for RGB_IMAGES; zero where not valid.
        valid: DataType -> bool, shape (W,): the slots that this robot has. Read-only.
        ages_s: (DataType, name) -> tick minus stamp [s].
    """

    tick_ns: int
    inputs: Mapping[DataType, Array]
    valid: Mapping[DataType, BoolArray]
    ages_s: Mapping[tuple[DataType, str], float]


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why there is no observation at one tick.

    Attributes:
        tick_ns: The time.
        reasons: One fault for each name that has no usable value; at least one. Images are
            decoded only when everything else is in order.
    """

    tick_ns: int
    reasons: tuple[StreamFault, ...]


class Observer:
    """Keeps the newest sample of each source, and reads all of them at a tick.

    Calls come in the order of time, from one thread at a time. Time is the bag's log time or
    the node's clock, in nanoseconds.

    Attributes:
        topics: Topic, as declared -> ROS message type.
        streams: One for each topic and way of reading it; for audits.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        layout: Layout,
        image_size: tuple[int, int] | None,
        frozen_after_s: float = 0.0,
    ):
        """Prepare one stream for each topic and way of reading it.

        Args:
            sources: Where each name comes from; at most one for a slot.
            layout: The widths of the model's vectors.
            image_size: (height, width) of the model's images; None: no images are observed.
            frozen_after_s: Identical image bytes under new stamps for this long are a fault
                [s]; 0: they are not looked for.

        Raises:
            DescriptionError: A source lies beyond the layout.
            ObservationError: A DataType is neither numeric nor RGB_IMAGES, two sources fill one
                slot or give one topic two types, or there are images but no ``image_size``.
        """
        slots: dict[DataType, dict[int, str]] = {}
        for source in sources:
            _require_readable(source, slots, sources, image_size)
            slots.setdefault(source.data_type, {})[source.index] = source.name
        self._valid = layout.valid(slots)
        for mask in self._valid.values():
            mask.setflags(write=False)
        self._numeric = {kind: layout.widths[kind] for kind in layout.numeric}
        self._cameras = layout.widths.get(DataType.RGB_IMAGES, 0)
        self._image_size = image_size
        self.streams = tuple(_streams(sources, image_size, frozen_after_s))
        self._by_topic = _by_topic(self.streams)
        channels = [channel for stream in self.streams for channel in stream.channels]
        self._numbers = [c for c in channels if not isinstance(c, ImageChannel)]
        self._images = [c for c in channels if isinstance(c, ImageChannel)]
        self.topics: Mapping[str, str] = {source.topic: source.type for source in sources}

    def receive(self, topic: str, message: Any, receive_ns: int) -> None:
        """Offer a message to the streams of its topic.

        Never raises: what is wrong with a message is counted, and told by ``observe`` and
        ``status``. A topic that no source names is ignored.

        Args:
            topic: As declared; in a bag, with or without the leading slash.
            message: Of rclpy or of rosbags; it is kept, and must not be changed afterwards.
            receive_ns: Log time in a bag, the node's clock on a robot.
        """
        for stream in self._by_topic.get(topic, ()):
            stream.offer(message, receive_ns)

    def observe(self, tick_ns: int) -> Observation | Unusable:
        """Read every source, of what arrived at or before the tick."""
        faults: list[StreamFault] = []
        ages_s: dict[tuple[DataType, str], float] = {}
        rows = {kind: [0.0] * width for kind, width in self._numeric.items()}
        for channel in self._numbers:
            sample = channel.at(tick_ns)
            if isinstance(sample, StreamFault):
                faults.append(sample)
                continue
            source = channel.source
            rows[source.data_type][source.index] = sample.value
            ages_s[channel.key] = (tick_ns - sample.stamp_ns) / SECOND_NS
        pictures = []
        for camera in self._images:
            sample = camera.at(tick_ns)
            if isinstance(sample, StreamFault):
                faults.append(sample)
                continue
            pictures.append((camera, sample))
            ages_s[camera.key] = (tick_ns - sample.stamp_ns) / SECOND_NS
        if faults:
            return Unusable(tick_ns, tuple(faults))
        inputs: dict[DataType, Array] = {
            kind: np.array(row, np.float32) for kind, row in rows.items()
        }
        if self._cameras and self._image_size:
            images = np.zeros((self._cameras, *self._image_size, 3), np.uint8)
            for camera, sample in pictures:
                pixels = camera.pixels(sample)
                if isinstance(pixels, StreamFault):
                    faults.append(pixels)
                else:
                    images[camera.source.index] = pixels
            inputs[DataType.RGB_IMAGES] = images
        if faults:
            return Unusable(tick_ns, tuple(faults))
        return Observation(tick_ns, inputs, self._valid, ages_s)

    def is_complete(self, tick_ns: int) -> bool:
        """Whether every source has a sample, of whatever age, at or before the tick.

        The first time at which this holds is the t0 of an episode. Nothing is decoded.
        """
        return all(c.newest(tick_ns) for c in (*self._numbers, *self._images))

    def clear(self) -> None:
        """Forget all samples, as after a jump of the clock; the counters stay."""
        for stream in self.streams:
            stream.clear()

    def status(self, now_ns: int) -> tuple[StreamStatus, ...]:
        """One entry for each stream, in the order of the sources."""
        return tuple(stream.status(now_ns) for stream in self.streams)


def _require_readable(
    source: Source,
    slots: Mapping[DataType, Mapping[int, str]],
    sources: Sequence[Source],
    image_size: tuple[int, int] | None,
) -> None:
    kind, what = source.data_type, f"'{source.name}' ({source.data_type} index {source.index})"
    is_picture = kind is DataType.RGB_IMAGES
    if not (is_picture or kind.is_numeric):
        raise ObservationError(f'{what}: no message type is known for {kind}')
    known = (IMAGE, COMPRESSED_IMAGE) if is_picture else _NUMBER_TYPES
    if source.type not in known:
        raise ObservationError(
            f"{what}: type '{source.type}' does not hold it. Known: {', '.join(known)}"
        )
    if is_picture and image_size is None:
        raise ObservationError(f'{what} is an image, but no image size is given')
    if source.index in slots.get(kind, {}):
        twin = slots[kind][source.index]
        raise ObservationError(f"{what}: '{twin}' fills that slot already")
    for other in sources:
        if other.topic == source.topic and other.type != source.type:
            raise ObservationError(
                f"{what} and '{other.name}' read {source.topic} as {source.type} and as "
                f'{other.type}: a topic has one type'
            )


def _streams(
    sources: Sequence[Source], image_size: tuple[int, int] | None, frozen_after_s: float
) -> Iterator[Stream]:
    """Sources that read the same messages in the same way share a stream."""
    groups: dict[tuple[object, ...], list[Source]] = {}
    for source in sources:
        way = (source.topic, source.type, source.field, source.order, source.stamp)
        groups.setdefault(way, []).append(source)
    for group in groups.values():
        first = group[0]
        if image_size and first.data_type is DataType.RGB_IMAGES:
            yield ImageStream(group, image_size, frozen_after_s)
        elif first.type == JOINT_TRAJECTORY:
            yield TrajectoryStream(group)
        else:
            yield NumberStream(group)


def _by_topic(streams: Sequence[Stream]) -> dict[str, tuple[Stream, ...]]:
    found: dict[str, tuple[Stream, ...]] = {}
    for stream in streams:
        found[stream.topic] = (*found.get(stream.topic, ()), stream)
    # ROS 1 recorded some topics without their slash; a declared spelling goes first.
    for topic, readers in tuple(found.items()):
        for spelling in (topic.lstrip('/'), '/' + topic.lstrip('/')):
            found.setdefault(spelling, readers)
    return found

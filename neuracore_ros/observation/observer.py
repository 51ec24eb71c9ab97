"""Observer: messages in, padded arrays out; the same for a bag and for the live robot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.description import DataType, Layout, Source
from neuracore_ros.description.data_type import TEXT_BYTES
from neuracore_ros.description.source import types_of
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.errors import ObservationError
from neuracore_ros.observation.faults import StreamFault
from neuracore_ros.observation.grouping import by_topic, streams_of
from neuracore_ros.observation.images import ImageChannel
from neuracore_ros.observation.samples import Sample
from neuracore_ros.observation.streams import StreamStatus
from neuracore_ros.observation.texts import encode_text

_DTYPES = {kind: np.dtype(kind.dtype) for kind in DataType}


@dataclass(frozen=True, slots=True)
class Observation:
    """Inputs of the model at one tick.

    Attributes:
        tick_ns: The time.
        inputs: DataType -> numbers, float32, shape (W,), in rad or m; poses, float32, (W, 7);
            RGB_IMAGES, uint8, (K, height, width, 3); DEPTH_IMAGES, float32, (K, height, width),
            in m; LANGUAGE, uint8, (W, N), UTF-8 that ends in zeros. Zero where not valid.
        valid: DataType -> bool, shape (W,): the slots that this robot has. Read-only.
        ages_s: (DataType, name) -> tick minus stamp [s].
        stored: Camera index -> the message that has its image, where the observer leaves it
            undecoded; it is zero in ``inputs``.
    """

    tick_ns: int
    inputs: Mapping[DataType, Array]
    valid: Mapping[DataType, BoolArray]
    ages_s: Mapping[tuple[DataType, str], float]
    stored: Mapping[int, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Samples of one tick, its images not decoded.

    Attributes:
        tick_ns: The time.
        numbers: As in `Observation.inputs`, without the images.
        ages_s: (DataType, name) -> tick minus stamp [s].
        images: Each camera with its image as it came.
    """

    tick_ns: int
    numbers: Mapping[DataType, Array]
    ages_s: Mapping[tuple[DataType, str], float]
    images: tuple[tuple[ImageChannel, Sample], ...]


@dataclass(frozen=True, slots=True)
class Unusable:
    """Reasons why there is no observation at one tick.

    Attributes:
        tick_ns: The time.
        reasons: One fault for each name that has no usable value; at least one. Images are
            decoded only when everything else is in order.
    """

    tick_ns: int
    reasons: tuple[StreamFault, ...]


class Observer:
    """Newest samples of all sources, read together at a tick.

    Calls come in the order of time, from one thread at a time. Time is the bag's log time or
    the node's clock, in nanoseconds.

    Attributes:
        topics: Topic, as declared -> ROS message type.
        commanded: DataType -> bool, shape (W,): the slots whose source is a command.
        streams: One for each topic and way of reading it; for audits.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        layout: Layout,
        image_size: tuple[int, int] | None,
        frozen_after_s: float = 0.0,
        texts: Mapping[int, str] | None = None,
        text_bytes: int = TEXT_BYTES,
        stored_rate_hz: float | None = None,
    ):
        """Prepare one stream for each topic and way of reading it.

        Args:
            sources: Where each name comes from; at most one for a slot.
            layout: The widths of the model's vectors.
            image_size: (height, width) of the model's images; None: no images are observed.
            frozen_after_s: Identical image bytes under new stamps for this long are a fault
                [s]; 0: they are not checked.
            texts: Index -> what LANGUAGE says there, where no source does.
            text_bytes: N, the length of a text [bytes].
            stored_rate_hz: Images that are frames of a video of this rate [Hz], and are of the
                model's size as they are, stay undecoded; None: none does.

        Raises:
            DescriptionError: A source lies beyond the layout.
            ObservationError: A DataType is not supported, two sources fill one slot or give one
                topic two types, there are images but no ``image_size``, or a text is too long.
        """
        self._stored_rate_hz = stored_rate_hz
        slots: dict[DataType, dict[int, str]] = {}
        for source in sources:
            _require_readable(source, slots, sources, image_size)
            slots.setdefault(source.data_type, {})[source.index] = source.name
        self._texts = {i: encode_text(text, text_bytes) for i, text in (texts or {}).items()}
        for index in self._texts:
            slots.setdefault(DataType.LANGUAGE, {})[index] = 'task'
        self._valid = layout.valid(slots)
        self.commanded: Mapping[DataType, BoolArray] = layout.valid(
            {
                kind: {s.index: s.name for s in sources if s.data_type is kind and s.is_target}
                for kind in slots
            }
        )
        for mask in self._valid.values():
            mask.setflags(write=False)
        shapes = {
            kind: (width, *kind.slot_shape(image_size or (0, 0), text_bytes))
            for kind, width in layout.widths.items()
            if image_size or not kind.is_image
        }
        self._image_shapes = {kind: shape for kind, shape in shapes.items() if kind.is_image}
        # Lists, since it is several times faster to put single numbers into them.
        self._blank: dict[DataType, list[Any]] = {
            kind: list(np.zeros(shape, kind.dtype)) if shape[1:] else [0.0] * shape[0]
            for kind, shape in shapes.items()
            if not kind.is_image
        }
        self.streams = streams_of(sources, image_size, frozen_after_s, text_bytes)
        self._by_topic = by_topic(self.streams)
        channels = [channel for stream in self.streams for channel in stream.channels]
        self._numbers = [c for c in channels if not isinstance(c, ImageChannel)]
        self._images = [c for c in channels if isinstance(c, ImageChannel)]
        self.topics: Mapping[str, str] = {
            topic: source.type for source in sources for topic in source.topics
        }

    def reads(self, topic: str) -> bool:
        """True if a stream takes messages of a topic, with or without the leading slash."""
        return topic in self._by_topic

    def receive(self, topic: str, message: Any, receive_ns: int) -> None:
        """Offer a message to the streams of its topic.

        Never raises: what is wrong with a message is counted, and reported by ``observe``
        and ``status``. A topic that no source names is ignored.

        Args:
            topic: As declared; in a bag, with or without the leading slash.
            message: Of rclpy or of rosbags; it is kept, and must not be changed afterwards.
            receive_ns: Log time in a bag, the node's clock on a robot.
        """
        for stream in self._by_topic.get(topic, ()):
            stream.offer(message, receive_ns)

    def observe(self, tick_ns: int) -> Observation | Unusable:
        """Read every source, of what arrived at or before the tick, and decode the images."""
        snapshot = self.snapshot(tick_ns)
        return self.decode(snapshot) if isinstance(snapshot, Snapshot) else snapshot

    def snapshot(self, tick_ns: int) -> Snapshot | Unusable:
        """Read every source, of what arrived at or before the tick; decode only what must be.

        That images can be decoded is believed for ``max_age_s`` after the last one that was: a
        camera that sends damaged ones is found out as fast as one that sends none.
        """
        faults: list[StreamFault] = []
        ages_s: dict[tuple[DataType, str], float] = {}
        rows = {kind: blank.copy() for kind, blank in self._blank.items()}
        for channel in self._numbers:
            sample = channel.at(tick_ns)
            if isinstance(sample, StreamFault):
                faults.append(sample)
                continue
            source = channel.source
            rows[source.data_type][source.index] = sample.value
            ages_s[channel.key] = (tick_ns - sample.stamp_ns) / SECOND_NS
        images = []
        for camera in self._images:
            sample = camera.at(tick_ns)
            if isinstance(sample, StreamFault):
                faults.append(sample)
                continue
            images.append((camera, sample))
            ages_s[camera.key] = (tick_ns - sample.stamp_ns) / SECOND_NS
        if not faults:
            faults = [f for camera, sample in images if (f := camera.doubt(sample, tick_ns))]
        if faults:
            return Unusable(tick_ns, tuple(faults))
        for index, text in self._texts.items():
            rows[DataType.LANGUAGE][index] = text
        inputs = {kind: np.array(row, _DTYPES[kind]) for kind, row in rows.items()}
        return Snapshot(tick_ns, inputs, ages_s, tuple(images))

    def decode(self, snapshot: Snapshot) -> Observation | Unusable:
        """Decode the images of a tick, but for those that stay as they are stored."""
        faults: list[StreamFault] = []
        stored: dict[int, Any] = {}
        inputs = dict(snapshot.numbers)
        for kind, shape in self._image_shapes.items():
            inputs[kind] = np.zeros(shape, _DTYPES[kind])
        for camera, sample in snapshot.images:
            if camera.is_stored(sample, self._stored_rate_hz):
                stored[camera.source.index] = sample.value.message
                continue
            pixels = camera.pixels(sample)
            if isinstance(pixels, StreamFault):
                faults.append(pixels)
            else:
                inputs[camera.source.data_type][camera.source.index] = pixels
        if faults:
            return Unusable(snapshot.tick_ns, tuple(faults))
        return Observation(snapshot.tick_ns, inputs, self._valid, snapshot.ages_s, stored)

    def is_complete(self, tick_ns: int) -> bool:
        """Whether every source has a sample, of whatever age, at or before the tick.

        The first time at which this holds is the t0 of an episode. Nothing is decoded.
        """
        return all(c.newest(tick_ns) for c in (*self._numbers, *self._images))

    def clear(self) -> None:
        """Forget all samples, as after a jump of the clock; the counters stay."""
        for stream in self.streams:
            stream.clear()

    def cure_clock(self, text: str) -> None:
        """Say from now on what mends stamps of another time, such as a simulated one."""
        for stream in self.streams:
            stream.clock_cure = text

    def status(self, now_ns: int) -> tuple[StreamStatus, ...]:
        """List the states of all streams, in the order of the sources."""
        return tuple(stream.status(now_ns) for stream in self.streams)


def _require_readable(
    source: Source,
    slots: Mapping[DataType, Mapping[int, str]],
    sources: Sequence[Source],
    image_size: tuple[int, int] | None,
) -> None:
    kind, what = source.data_type, f"'{source.name}' ({source.data_type} index {source.index})"
    known = types_of(kind, source.chain is not None)
    if not known:
        raise ObservationError(f'{what}: no message type is known for {kind}')
    if source.type not in known:
        raise ObservationError(
            f"{what}: type '{source.type}' does not hold it. Known: {', '.join(known)}"
        )
    if kind.is_image and image_size is None:
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

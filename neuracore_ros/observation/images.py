"""Image streams: the newest message is kept as it is, and decoded only when it is needed."""

from collections.abc import Mapping, Sequence
from math import isclose
from typing import Any, NamedTuple

import cv2
import numpy as np

from neuracore_ros.arrays import Array
from neuracore_ros.description import DataType, Source
from neuracore_ros.description.crop import Crop
from neuracore_ros.durations import SECOND_NS, span
from neuracore_ros.errors import ObservationError
from neuracore_ros.observation.compressed_image import MOST_PIXELS
from neuracore_ros.observation.decode import decode_image
from neuracore_ros.observation.depth import decode_depth
from neuracore_ros.observation.faults import Refusal, StreamFault
from neuracore_ros.observation.resize import resize_pad
from neuracore_ros.observation.samples import Sample
from neuracore_ros.observation.streams import Channel, Stream

# Each holds a whole message; one more than the newest lets a tick slightly before its arrival
# still have its own.
_HISTORY = 2
# How many times the pixels of those before it a compressed image may have; more than that is a
# damaged header, which would cost seconds. Small streams may grow to a full HD one.
_TIMES_AS_LARGE = 16
_ALWAYS_PIXELS = 1 << 21


class Frame(NamedTuple):
    """Image message, undecoded.

    Attributes:
        message: Image or CompressedImage, undecoded.
        same_since_ns: Stamp of the first of an unbroken row of messages with these bytes.
    """

    message: Any
    same_since_ns: int


class ImageStream(Stream):
    """Stream of one image topic, of colours or of depths; its slots may have different crops.

    Attributes:
        proven_ns: Stamp of the newest image that could be used for every slot; None after one
            that could not be.
    """

    def __init__(
        self, sources: Sequence[Source], size: tuple[int, int], frozen_after_s: float = 0.0
    ):
        super().__init__(sources)
        self._size = size
        self._holds_depths = sources[0].data_type is DataType.DEPTH_IMAGES
        self._frozen_after_ns = round(frozen_after_s * SECOND_NS)
        self.channels = tuple(ImageChannel(self, source) for source in sources)
        self._first = self.channels[0]
        self._crops = tuple(dict.fromkeys(source.crop for source in sources))
        self._decoded: tuple[Frame, Mapping[Crop | None, Array | Refusal]] | None = None
        self._largest = 0
        self.proven_ns: int | None = None

    def pixels(self, sample: Sample, crop: Crop | None) -> Array | Refusal:
        """Decode a sample of this stream, once, cut out a slot's part, and resize it.

        Returns:
            RGB, uint8, shape (height, width, 3), or metres, float32, shape (height, width); or
            why it cannot be decoded, or does not contain the crop.
        """
        frame: Frame = sample.value
        if self._decoded is None or self._decoded[0] is not frame:
            parts = self._decode(frame, sample.receive_ns)
            self._decoded = frame, parts
            is_sound = not any(isinstance(part, Refusal) for part in parts.values())
            self.proven_ns = sample.stamp_ns if is_sound else None
        return self._decoded[1][crop]

    def is_stored(self, sample: Sample, crop: Crop | None, rate_hz: float) -> bool:
        """True if the image is a frame of a video of this rate, and needs no change."""
        message = sample.value.message
        stored = getattr(message, 'frame', None)
        if stored is None or crop or self._holds_depths:
            return False
        return isclose(stored.rate_hz, rate_hz) and (message.height, message.width) == self._size

    def is_frozen(self, sample: Sample) -> bool:
        """Whether new stamps have come with the same bytes for too long."""
        frame: Frame = sample.value
        return 0 < self._frozen_after_ns <= sample.stamp_ns - frame.same_since_ns

    def clear(self) -> None:
        """Forget all images."""
        super().clear()
        self._decoded = self.proven_ns = None
        self._largest = 0

    def _decode(self, frame: Frame, receive_ns: int) -> dict[Crop | None, Array | Refusal]:
        """Decode an image; its parts by crop, each resized, or why there is none."""
        most = MOST_PIXELS
        if self._largest:
            most = max(self._largest * _TIMES_AS_LARGE, _ALWAYS_PIXELS)
        try:
            if self._holds_depths:
                image: Array = decode_depth(frame.message, most)[..., None]
            else:
                image = decode_image(frame.message, most)
        except ObservationError as error:
            self.refuse('undecodable', receive_ns, str(error))
            refusal = Refusal(receive_ns, 'undecodable', str(error))
            return dict.fromkeys(self._crops, refusal)
        height, width = image.shape[:2]
        self._largest = max(self._largest, height * width)
        parts: dict[Crop | None, Array | Refusal] = {}
        for crop in self._crops:
            if crop and (lack := crop.lack(width, height)):
                parts[crop] = Refusal(receive_ns, 'size', lack)
                self.drops['size'] += 1
                for channel in self.channels:
                    if channel.source.crop == crop:
                        channel.refuse('size', receive_ns, lack)
            else:
                parts[crop] = self._resized(crop.cut(image) if crop else image)
        return parts

    def _resized(self, image: Array) -> Array:
        if self._holds_depths:
            return resize_pad(image, self._size, cv2.INTER_NEAREST_EXACT)[..., 0]
        return resize_pad(image, self._size)

    def _take(self, message: Any, stamp_ns: int, receive_ns: int) -> bool:
        # All names of the stream see the same messages, so that one stands for all.
        if not self._first.is_newer(stamp_ns, receive_ns):
            kinds = {channel.refuse_old(stamp_ns, receive_ns) for channel in self.channels}
            self.drops.update(kinds)
            return False
        if not hasattr(message, 'frame'):  # of a video, which its recording decodes
            len(message.data)  # what is no image at all is refused now, not at a tick
        same_since_ns = stamp_ns
        if self._frozen_after_ns and self._first.samples:
            before: Frame = self._first.samples[-1].value
            if _same_bytes(before.message.data, message.data):
                same_since_ns = before.same_since_ns
        sample = Sample(stamp_ns, receive_ns, Frame(message, same_since_ns))
        for channel in self.channels:
            channel.keep(sample)
        if self.is_frozen(sample):
            self.drops['frozen'] += 1
        return True


class ImageChannel(Channel):
    """Camera slot of a stream."""

    __slots__ = ('_images',)

    def __init__(self, images: ImageStream, source: Source):
        super().__init__(images, source, _HISTORY)
        self._images = images

    def at(self, tick_ns: int) -> Sample | StreamFault:
        """Return the newest image that arrived at or before the tick, or why it cannot be used."""
        sample = super().at(tick_ns)
        if isinstance(sample, Sample) and self._images.is_frozen(sample):
            same = span(sample.stamp_ns - sample.value.same_since_ns)
            text = f'{self.label} sends identical bytes under new stamps since {same}'
            return self.fault('frozen', text)
        return sample

    def pixels(self, sample: Sample) -> Array | StreamFault:
        """Decode and cut as :meth:`ImageStream.pixels`, or return why that is not possible."""
        pixels = self._images.pixels(sample, self.source.crop)
        if isinstance(pixels, Refusal):
            return self.fault(pixels.kind, f'{self.label}: {pixels.text}')
        return pixels

    def is_stored(self, sample: Sample, rate_hz: float | None) -> bool:
        """True if the image can stay undecoded; see :meth:`ImageStream.is_stored`."""
        return rate_hz is not None and self._images.is_stored(sample, self.source.crop, rate_hz)

    def doubt(self, sample: Sample, tick_ns: int) -> StreamFault | None:
        """Decode, where no image has been for ``max_age_s``; what is wrong with it."""
        proven_ns, longest_ns = self._images.proven_ns, self._max_age_ns
        if proven_ns is not None and (longest_ns is None or tick_ns - proven_ns <= longest_ns):
            return None
        pixels = self.pixels(sample)
        return pixels if isinstance(pixels, StreamFault) else None


def _same_bytes(before: Any, after: Any) -> bool:
    one, other = np.frombuffer(before, np.uint8), np.frombuffer(after, np.uint8)
    if one.size != other.size:
        return False
    # The noise of a live camera shows in a few bytes; only a frozen one costs the whole look.
    return np.array_equal(one[::997], other[::997]) and np.array_equal(one, other)

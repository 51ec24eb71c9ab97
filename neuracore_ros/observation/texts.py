"""Language: instructions for the robot, as the bytes that a policy reads."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from neuracore_ros.arrays import ByteArray
from neuracore_ros.description import Source
from neuracore_ros.errors import ObservationError
from neuracore_ros.observation.samples import Sample
from neuracore_ros.observation.streams import Channel, Stream


def encode_text(text: str, length: int) -> ByteArray:
    """Encode a text as UTF-8 that ends in zeros; the empty text is all zeros, and valid.

    Args:
        text: What is said.
        length: N, [bytes].

    Returns:
        Shape (N,).

    Raises:
        ObservationError: It is longer: half a sentence may say something else.
    """
    data = text.encode('utf-8', 'replace')
    if len(data) > length:
        raise ObservationError(
            f'the text {text[:40]!r}... has {len(data)} bytes; at most {length} fit: shorten it'
        )
    return np.frombuffer(data.ljust(length, b'\0'), np.uint8)


def decode_text(data: ByteArray) -> str:
    """Undo :func:`encode_text`."""
    return data.tobytes().rstrip(b'\0').decode('utf-8', 'replace')


class TextStream(Stream):
    """Stream of the names that read one String topic; a text holds until the next one."""

    def __init__(self, sources: Sequence[Source], length: int):
        super().__init__(sources)
        self._trusts_header = False
        self._length = length
        self.channels = tuple(Channel(self, source) for source in sources)

    def _take(self, message: Any, stamp_ns: int, receive_ns: int) -> bool:
        try:
            data = encode_text(message.data, self._length)
        except ObservationError as error:
            # Going on with what was said before is not what the speaker wants now.
            self.clear()
            self.refuse('size', receive_ns, str(error))
            return False
        for channel in self.channels:
            channel.keep(Sample(stamp_ns, receive_ns, data))
        return True

"""Messages in, padded arrays out: one path for a bag and for the live robot."""

from neuracore_ros.errors import ObservationError
from neuracore_ros.observation.decode import decode_image
from neuracore_ros.observation.faults import StreamFault
from neuracore_ros.observation.observer import Observation, Observer, Unusable
from neuracore_ros.observation.resize import resize_pad
from neuracore_ros.observation.streams import StreamStatus

__all__ = [
    'Observation',
    'ObservationError',
    'Observer',
    'StreamFault',
    'StreamStatus',
    'Unusable',
    'decode_image',
    'resize_pad',
]

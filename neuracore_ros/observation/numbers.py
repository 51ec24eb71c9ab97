"""Numbers by name: JointState, wrenches, single numbers, and arrays with declared names."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from neuracore_ros.description import Source
from neuracore_ros.description.named_numbers import NAMED_NUMBERS, WITHOUT_HEADER
from neuracore_ros.description.source import FLOAT64, JOINT_STATE
from neuracore_ros.observation.faults import FaultKind
from neuracore_ros.observation.named_numbers import read_named
from neuracore_ros.observation.names import Lookups, names_of
from neuracore_ros.observation.samples import Sample
from neuracore_ros.observation.streams import Channel, Stream

# What the model reads is float32: a larger number would reach it as infinity.
LARGEST = float(np.finfo(np.float32).max)
_JOINT_FIELDS = ('position', 'velocity', 'effort')


class NumberStream(Stream):
    """Stream of the names of one topic and one field of it.

    Each name keeps its own newest samples, so that an arm's and a gripper's driver may share
    ``/joint_states``: a message is passed over for the names that it lacks.
    """

    def __init__(self, sources: Sequence[Source], channel: type[Channel] = Channel):
        super().__init__(sources)
        first = sources[0]
        stamped = {JOINT_STATE, *NAMED_NUMBERS} - {*WITHOUT_HEADER}
        self._trusts_header = first.stamp == 'header' and first.type in stamped
        self._type = first.type
        self._field = first.field if first.type == JOINT_STATE else 'data'
        self._order = first.order or ()
        if first.type == FLOAT64:
            self._order = tuple(dict.fromkeys(source.message_name for source in sources))
        self.channels = tuple(channel(self, source) for source in sources)
        self._lookups = Lookups(self.channels, self.names_received)

    def _take(self, message: Any, stamp_ns: int, receive_ns: int) -> bool:
        if self._type == JOINT_STATE:
            names = names_of(message, message.name, self._order)
            values = getattr(message, self._field)
        else:
            names, values = self._read(message)
        if not names:
            text = 'name[] is empty; write `order: [...]` in its source'
            self.refuse('size', receive_ns, self._lacking(message) or text)
            return False
        lookup = self._lookups.of(names)
        places = lookup.places
        refused: set[FaultKind] = {
            channel.refuse('malformed', receive_ns, 'messages have it twice')
            for channel in lookup.ambiguous
        }
        # An array whose names are declared may go on after the last of them.
        count = len(values)
        if count != len(names) and (count < len(names) or names is not self._order):
            text = f'{self._field} has {count} values for {len(names)} names'
            text = self._lacking(message) or text
            refused |= {channel.refuse('size', receive_ns, text) for channel, _ in places}
            places = ()
        if hasattr(values, 'tolist'):  # a list is several times faster to index
            values = values.tolist()
        taken = False
        for channel, place in places:
            if not channel.is_newer(stamp_ns, receive_ns):
                refused.add(channel.refuse_old(stamp_ns, receive_ns))
                continue
            value = channel.source.value(values[place])
            if -LARGEST <= value <= LARGEST:
                channel.keep(Sample(stamp_ns, receive_ns, value))
                taken = True
            else:
                text = f'the value is {values[place]}'
                refused.add(channel.refuse('not_finite', receive_ns, text))
        if refused:
            self.drops.update(refused)
        return taken

    def _lacking(self, message: Any) -> str:
        """Write that a JointState has numbers, but none of these; else ''."""
        if self._type != JOINT_STATE or len(getattr(message, self._field)):
            return ''
        held = [field for field in _JOINT_FIELDS if len(getattr(message, field))]
        return f'{self._field} is empty: messages hold {" and ".join(held)} only' if held else ''

    def _read(self, message: Any) -> tuple[tuple[str, ...], Any]:
        """Names and numbers of a message that names nothing itself."""
        if self._type == FLOAT64:
            return self._order, [message.data] * len(self._order)
        if self._type in NAMED_NUMBERS:
            return read_named(self._type, message)
        return self._order, message.data

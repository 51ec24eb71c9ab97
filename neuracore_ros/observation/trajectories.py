"""Commands of a recorded JointTrajectory as a function of time."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any, NamedTuple

from neuracore_ros.description import Source
from neuracore_ros.description.source_options import TELEOP
from neuracore_ros.durations import SECOND_NS, span, time_ns
from neuracore_ros.observation.faults import FaultKind
from neuracore_ros.observation.names import Lookups, names_of
from neuracore_ros.observation.numbers import LARGEST
from neuracore_ros.observation.samples import Sample
from neuracore_ros.observation.streams import HISTORY, Channel, Stream

_FIELDS = {'position': 'positions', 'velocity': 'velocities', 'effort': 'effort'}
_START = attrgetter('start_ns')
# A command that is replaced within this part of the way to its first point hardly led anywhere.
_HARDLY_BEGUN = 0.1


class TrajectoryPiece(NamedTuple):
    """Command for one name, from its start until it is replaced.

    Attributes:
        start_ns: From here on it replaces the command before.
        receive_ns: When it arrived.
        times_ns: When each of the N points is due, strictly increasing.
        values: At the points, in the slot's unit and sense.
        origin: The value that the command before has at the start.
    """

    start_ns: int
    receive_ns: int
    times_ns: Sequence[int]
    values: Sequence[float]
    origin: float

    @property
    def lead_ns(self) -> int:
        """Time from the start to the first point after it [ns]; 0 where there is none."""
        after = bisect_right(self.times_ns, self.start_ns)
        return self.times_ns[after] - self.start_ns if after < len(self.times_ns) else 0

    def value(self, time_ns: int) -> float:
        """Return the value at a time: linear between start and points; the last point holds."""
        after = bisect_right(self.times_ns, time_ns)
        if after == len(self.times_ns):
            return self.values[-1]
        end_ns, end = self.times_ns[after], self.values[after]
        begin_ns, begin = self.start_ns, self.origin
        if after > 0:
            begin_ns, begin = self.times_ns[after - 1], self.values[after - 1]
        return begin + (end - begin) * (time_ns - begin_ns) / (end_ns - begin_ns)


class Replacements:
    """Count of commands that were replaced, and of those that had hardly begun.

    Attributes:
        count: Commands that another one replaced.
        hardly_begun: Those of them that were replaced long before their first point was due.
        lead_ns: Of the one of these whose first point was the latest, the time to it [ns].
        held_ns: How long that one was in force [ns].
    """

    __slots__ = ('count', 'hardly_begun', 'held_ns', 'lead_ns')

    def __init__(self) -> None:
        self.count = self.hardly_begun = self.lead_ns = self.held_ns = 0

    def add(self, replaced: TrajectoryPiece, start_ns: int) -> None:
        """Note that a command which starts then replaces this one."""
        held_ns, lead_ns = start_ns - replaced.start_ns, replaced.lead_ns
        self.count += 1
        if held_ns < _HARDLY_BEGUN * lead_ns:
            self.hardly_begun += 1
            if lead_ns > self.lead_ns:
                self.lead_ns, self.held_ns = lead_ns, held_ns


class TrajectoryChannel(Channel):
    """Commands of one name, in the order of their starts."""

    __slots__ = ('_pieces', 'replacements')

    def __init__(self, stream: Stream, source: Source):
        super().__init__(stream, source)
        self.replacements = Replacements()
        self._pieces: list[TrajectoryPiece] = []

    def is_newer(self, stamp_ns: int, receive_ns: int) -> bool:
        """Whether a command with this start is news: none that starts then or later runs yet.

        A command that is still to start does not keep out one that starts before it.
        """
        place = bisect_right(self._pieces, stamp_ns, key=_START)
        if place and self._pieces[place - 1].start_ns == stamp_ns != receive_ns:
            return False
        return place == len(self._pieces) or self._pieces[place].start_ns > receive_ns

    def command(
        self,
        start_ns: int,
        receive_ns: int,
        times_ns: Sequence[int],
        values: Sequence[float],
    ) -> None:
        """Add a command; those that start later continue from it."""
        place = bisect_right(self._pieces, start_ns, key=_START)
        followers = self._pieces[place:]
        del self._pieces[place:]
        if self._pieces:
            self.replacements.add(self._pieces[-1], start_ns)
        for piece in [TrajectoryPiece(start_ns, receive_ns, times_ns, values, 0.0), *followers]:
            before = self._pieces[-1] if self._pieces else None
            origin = before.value(piece.start_ns) if before else piece.values[0]
            self._pieces.append(piece._replace(origin=origin))
        running = bisect_right(self._pieces, receive_ns, key=_START) - 1
        del self._pieces[: max(0, running - HISTORY)]
        self.stamp_ns = start_ns
        self.pace.note(receive_ns)

    def newest(self, tick_ns: int) -> Sample | None:
        """Return the value that the command of this tick has at this tick."""
        for piece in reversed(self._pieces):
            if piece.start_ns <= tick_ns and piece.receive_ns <= tick_ns:
                value = self.source.turned(piece.value(tick_ns))
                return Sample(piece.start_ns, piece.receive_ns, value)
        return None

    def clear(self) -> None:
        """Forget all commands."""
        super().clear()
        self._pieces.clear()


class TrajectoryStream(Stream):
    """Stream of the names of one JointTrajectory topic and one field of its points.

    Of the commands that have started and arrived, the one that starts last is in force. A
    command may start later than it arrives; until then, the one before goes on.
    """

    # A start further off comes from another clock: commands never age, so nothing else would
    # tell that they are taken for long finished, or never begin.
    ahead_ns = 10 * SECOND_NS
    behind_ns = 10 * SECOND_NS

    def __init__(
        self, sources: Sequence[Source], channel: type[TrajectoryChannel] = TrajectoryChannel
    ):
        super().__init__(sources)
        if sources[0].section == TELEOP:
            # A human's command is obeyed while the human is there, not when its start has come.
            self.ahead_ns = Stream.ahead_ns
        self._field = _FIELDS[sources[0].field]
        self._order = sources[0].order or ()
        channels = tuple(channel(self, source) for source in sources)
        self.channels = self._commanded = channels
        self._lookups = Lookups(channels, self.names_received)

    def notes(self) -> tuple[str, ...]:
        """Write that most commands were replaced long before their first point was due, if so."""
        replaced = max((c.replacements for c in self._commanded), key=attrgetter('hardly_begun'))
        if 2 * replaced.hardly_begun <= replaced.count:
            return ()
        return (
            f'{self.topic}: {replaced.hardly_begun} of {replaced.count} trajectories '
            'were replaced long before their first point was due (one after '
            f'{span(replaced.held_ns)} of {span(replaced.lead_ns)}), so that the command hardly '
            'moves towards them: time_from_start counts from the stamp of its own message',
        )

    def _take(self, message: Any, stamp_ns: int, receive_ns: int) -> bool:
        names = names_of(message, message.joint_names, self._order)
        if not names:
            text = 'joint_names[] is empty; write `order: [...]` in its source'
            self.refuse('size', receive_ns, text)
            return False
        lookup = self._lookups.of(names)
        refused: set[FaultKind] = {
            channel.refuse('malformed', receive_ns, 'messages have it twice')
            for channel in lookup.ambiguous
        }
        taken = False
        if lookup.places and self._is_sound(message.points, names, receive_ns):
            # Plain numbers: on a few points they are several times faster than arrays.
            times_ns = [stamp_ns + time_ns(point.time_from_start) for point in message.points]
            rows = [[*map(float, getattr(point, self._field))] for point in message.points]
            for channel, place in lookup.places:
                source = channel.source
                if not channel.is_newer(stamp_ns, receive_ns):
                    refused.add(channel.refuse_old(stamp_ns, receive_ns))
                    continue
                path = [source.scale * row[place] + source.offset for row in rows]
                if all(-LARGEST <= value <= LARGEST for value in path):
                    channel.command(stamp_ns, receive_ns, times_ns, path)
                    taken = True
                else:
                    text = 'a point of its trajectory is not finite'
                    refused.add(channel.refuse('not_finite', receive_ns, text))
        self.drops.update(refused)
        return taken

    def _is_sound(self, points: Sequence[Any], names: Sequence[str], receive_ns: int) -> bool:
        """Whether a trajectory is one; what a controller would reject was never followed."""
        if not len(points):
            self.refuse('size', receive_ns, 'a trajectory without points')
            return False
        for point in points:
            count = len(getattr(point, self._field))
            if count != len(names):
                text = f'a point has {count} {self._field} for {len(names)} names'
                self.refuse('size', receive_ns, text)
                return False
        times_ns = [time_ns(point.time_from_start) for point in points]
        if times_ns[0] < 0 or any(b <= a for a, b in pairwise(times_ns)):
            self.refuse('malformed', receive_ns, 'times of a trajectory do not increase')
            return False
        return True

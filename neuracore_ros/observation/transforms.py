"""Poses between named frames, out of ``/tf`` and ``/tf_static``."""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from neuracore_ros.description import Source
from neuracore_ros.kinematics.poses import Pose, compose, invert, signed_pose
from neuracore_ros.observation.faults import FaultKind, StreamFault
from neuracore_ros.observation.poses import PoseError, read_pose, slot_pose
from neuracore_ros.observation.samples import Sample
from neuracore_ros.observation.streams import HISTORY, Channel, Stream
from neuracore_ros.similar_names import did_you_mean, list_alike

_NOWHERE: Pose = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)

# Only keeps a topic that invents frames from filling the memory.
_MOST_FRAMES = 2000
_TOLD = 8


class TreeLink(NamedTuple):
    """Frame in the tree: its parent, and its newest poses.

    Attributes:
        parent: The frame in which it is given.
        samples: Its newest poses; of a frame that never moves, one.
        moves: Whether it comes from ``/tf`` and can become stale.
    """

    parent: str
    samples: deque[Sample]
    moves: bool


class TransformTree:
    """Tree of frames, each with its newest poses in its parent."""

    def __init__(self) -> None:
        self._links: dict[str, TreeLink] = {}

    def add(self, parent: str, child: str, sample: Sample, moves: bool) -> FaultKind | None:
        """Take a frame's newer pose; or say why it is none."""
        link = self._links.get(child)
        if link is None or link.parent != parent or link.moves != moves:
            if link is None and len(self._links) >= _MOST_FRAMES:
                return 'malformed'
            link = self._links[child] = TreeLink(parent, deque(maxlen=HISTORY), moves)
        if link.samples and moves:
            newest_ns = link.samples[-1].stamp_ns
            if sample.stamp_ns < newest_ns:
                return 'older'
            if sample.stamp_ns == newest_ns != sample.receive_ns:
                return 'repeated'
        link.samples.append(sample)
        return None

    def forget_moving(self) -> None:
        """Drop what ages; what is fixed is sent only once."""
        self._links = {child: link for child, link in self._links.items() if not link.moves}

    def pose(self, parent: str, child: str, tick_ns: int) -> Sample | None:
        """Return the child's pose in the parent, of what arrived at or before the tick.

        Returns:
            The pose, as old as the oldest of the links between them; where none of these moves,
            as old as the tick. None where a link is missing.
        """
        down, up = self._line(child), self._line(parent)
        common = next((frame for frame in down if frame in up), None)
        if common is None:
            return None
        stamps, arrivals = [], []
        ends = []
        for line in (down, up):
            pose = _NOWHERE
            for frame in line[: line.index(common)]:
                link = self._links[frame]
                sample = next((s for s in reversed(link.samples) if s.receive_ns <= tick_ns), None)
                if sample is None:
                    return None
                pose = compose(sample.value, pose)
                arrivals.append(sample.receive_ns)
                if link.moves:
                    stamps.append(sample.stamp_ns)
            ends.append(pose)
        pose = signed_pose(compose(invert(ends[1]), ends[0]))
        return Sample(min(stamps, default=tick_ns), max(arrivals, default=tick_ns), pose)

    def stamp_ns(self, parent: str, child: str) -> int | None:
        """Return the oldest of the newest stamps between two frames; None: nothing moves."""
        down, up = self._line(child), self._line(parent)
        between = {frame for frame in (*down, *up) if (frame in down) != (frame in up)}
        links = (self._links[frame] for frame in between if frame in self._links)
        stamps = (link.samples[-1].stamp_ns for link in links if link.moves and link.samples)
        return min(stamps, default=None)

    def lack(self, parent: str, child: str) -> str:
        """Write what keeps two frames apart, with the frames that there are."""
        known = dict.fromkeys(f for c, link in self._links.items() for f in (c, link.parent))
        missing = [frame for frame in (parent, child) if frame not in known]
        if not known:
            return 'no transform has come yet'
        if missing:
            hint = did_you_mean(missing[0], known) or '.'
            alike = list_alike(missing[0], known)
            return f"there is no frame '{missing[0]}'{hint} There are: {alike}"
        roots = [self._line(frame)[-1] for frame in (parent, child)]
        return (
            f"nothing links '{parent}' and '{child}': the one hangs on '{roots[0]}', "
            f"the other on '{roots[1]}'"
        )

    def _line(self, frame: str) -> list[str]:
        """List a frame, its parent, and so on; end where it would go in a circle."""
        line = [frame]
        while (link := self._links.get(line[-1])) is not None and link.parent not in line:
            line.append(link.parent)
        return line


class TransformChannel(Channel):
    """Pose of one frame in another one."""

    __slots__ = ('_frames',)

    def __init__(self, stream: 'TransformStream', source: Source):
        super().__init__(stream, source)
        self._frames = stream.frames

    def newest(self, tick_ns: int) -> Sample | None:
        """Return the pose of what arrived at or before the tick."""
        found = self._frames.pose(self.source.parent, self.source.message_name, tick_ns)
        return found and found._replace(value=slot_pose(self.source, found.value))

    def note(self, receive_ns: int) -> None:
        """Take note of an arrival, if it made the pose newer: as old as its oldest link."""
        stamp_ns = self._frames.stamp_ns(self.source.parent, self.source.message_name)
        if stamp_ns is not None and stamp_ns != self.stamp_ns:
            self.stamp_ns = stamp_ns
            self.pace.note(receive_ns)

    def _missing(self) -> StreamFault:
        why = self._frames.lack(self.source.parent, self.source.message_name)
        refused = self.stream.refusal
        if refused is not None:
            return self.fault(refused.kind, f'{self.label}: {why}. Refused: {refused.text}')
        return self.fault('missing', f'{self.label}: {why}')


class TransformStream(Stream):
    """Stream of the names that read ``/tf``."""

    def __init__(self, sources: Sequence[Source]):
        super().__init__(sources)
        self.frames = TransformTree()
        self.channels = self._frames_seen = tuple(TransformChannel(self, s) for s in sources)

    def clear(self) -> None:
        """Forget what moves."""
        super().clear()
        self.frames.forget_moving()

    def _stamp_ns(self, message: Any, receive_ns: int) -> int | None:
        return receive_ns  # Each transform has a stamp of its own.

    def _take(self, message: Any, stamp_ns: int, receive_ns: int) -> bool:
        taken = False
        refused: set[FaultKind] = set()
        for transform in message.transforms:
            own_ns = super()._stamp_ns(transform, receive_ns)
            if own_ns is None:
                continue
            try:
                kind = _add(self.frames, transform, own_ns, receive_ns, moves=True)
            except PoseError as error:
                self.refuse(error.kind, receive_ns, f"'{transform.child_frame_id[:60]}': {error}")
                continue
            if kind is None:
                taken = True
            else:
                refused.add(kind)
        self.drops.update(refused)
        if taken:
            for channel in self._frames_seen:
                channel.note(receive_ns)
        return taken


class StaticTransformStream(Stream):
    """Stream of ``/tf_static``, which adds poses that never age to a stream of ``/tf``."""

    def __init__(self, moving: TransformStream):
        super().__init__(moving.sources)
        self._frames = moving.frames
        self._trusts_header = False

    def _take(self, message: Any, stamp_ns: int, receive_ns: int) -> bool:
        for transform in message.transforms:
            try:
                _add(self._frames, transform, stamp_ns, receive_ns, moves=False)
            except PoseError as error:
                self.refuse(error.kind, receive_ns, str(error))
        return True


def _add(
    frames: TransformTree, transform: Any, stamp_ns: int, receive_ns: int, moves: bool
) -> FaultKind | None:
    pose = read_pose(transform.transform.translation, transform.transform.rotation)
    parent = transform.header.frame_id.lstrip('/')
    child = transform.child_frame_id.lstrip('/')
    return frames.add(parent, child, Sample(stamp_ns, receive_ns, pose), moves)

"""Streams of a set of sources: names that are read in the same way share one."""

from collections.abc import Callable, Mapping, Sequence

from neuracore_ros.description import Source
from neuracore_ros.description.named_numbers import ODOMETRY
from neuracore_ros.description.source import JOINT_TRAJECTORY, POSE_STAMPED, STRING, TF_MESSAGE
from neuracore_ros.observation.chains import chain_stream
from neuracore_ros.observation.following import FollowingChannel
from neuracore_ros.observation.images import ImageStream
from neuracore_ros.observation.numbers import NumberStream
from neuracore_ros.observation.poses import PoseStream
from neuracore_ros.observation.streams import Stream
from neuracore_ros.observation.texts import TextStream
from neuracore_ros.observation.trajectories import TrajectoryStream
from neuracore_ros.observation.transforms import StaticTransformStream, TransformStream

_STREAMS: Mapping[str, Callable[[Sequence[Source]], Stream]] = {
    JOINT_TRAJECTORY: TrajectoryStream,
    POSE_STAMPED: PoseStream,
    TF_MESSAGE: TransformStream,
}


def streams_of(
    sources: Sequence[Source],
    image_size: tuple[int, int] | None,
    frozen_after_s: float,
    text_bytes: int,
) -> tuple[Stream, ...]:
    """Open one stream for each topic and way of reading it, in the order of the sources.

    Args:
        sources: Where each name comes from.
        image_size: (height, width) of the model's images; None: there are no images.
        frozen_after_s: Identical image bytes for this long are a fault [s]; 0: never.
        text_bytes: Length of a text [bytes].
    """
    groups: dict[tuple[object, ...], list[Source]] = {}
    for source in sources:
        kind = source.data_type
        value = kind if kind.is_image else (kind.is_pose, source.follow_s is not None)
        chain = source.name if source.is_kinematic else None
        way = source.topic, source.type, source.field, source.order, source.stamp
        groups.setdefault((*way, value, chain), []).append(source)
    streams: list[Stream] = []
    for group in groups.values():
        first = group[0]
        if image_size and first.data_type.is_image:
            streams.append(ImageStream(group, image_size, frozen_after_s))
        elif first.is_kinematic:
            streams.append(chain_stream(group))
        elif first.type == STRING:
            streams.append(TextStream(group, text_bytes))
        elif first.follow_s is not None:
            is_path = first.type == JOINT_TRAJECTORY
            stream = TrajectoryStream if is_path else NumberStream
            streams.append(stream(group, FollowingChannel))
        elif first.type == ODOMETRY and first.data_type.is_pose:
            streams.append(PoseStream(group))
        else:
            streams.append(_STREAMS.get(first.type, NumberStream)(group))
    return tuple(streams)


def by_topic(streams: Sequence[Stream]) -> Mapping[str, tuple[Stream, ...]]:
    """Map topics, as a person or a bag may spell them, to the streams that read them."""
    found: dict[str, tuple[Stream, ...]] = {}
    for stream in streams:
        found[stream.topic] = (*found.get(stream.topic, ()), stream)
        if isinstance(stream, TransformStream) and (fixed := stream.sources[0].static_topic):
            found[fixed] = (*found.get(fixed, ()), StaticTransformStream(stream))
    # ROS 1 recorded some topics without their slash; a declared spelling goes first.
    for topic, readers in tuple(found.items()):
        for spelling in (topic.lstrip('/'), '/' + topic.lstrip('/')):
            found.setdefault(spelling, readers)
    return found

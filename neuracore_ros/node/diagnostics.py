"""The node's messages on ``/diagnostics``."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from neuracore_ros.node.rate_statistics import RateStatistics
from neuracore_ros.node.status import Status
from neuracore_ros.observation.streams import StreamStatus
from neuracore_ros.runner import Counters, State
from neuracore_ros.runner.state import percentile

_LEVELS = {
    State.RUNNING: DiagnosticStatus.OK,
    State.DISABLED: DiagnosticStatus.OK,
    State.WAITING: DiagnosticStatus.WARN,
    State.TAKEOVER: DiagnosticStatus.OK,
    State.HOLDING: DiagnosticStatus.ERROR,
}


def inference_status(
    node: str,
    robot: str,
    status: Status,
    counters: Counters,
    statistics: RateStatistics,
    sent: int,
    rivals: Sequence[str],
    speed_scaling: Mapping[str, float],
    commander: str,
) -> DiagnosticStatus:
    """The status named ``infer: inference``.

    Args:
        node: Its full name: of two robots, the statuses are called the same.
        robot: Its name, for ``hardware_id``.
        status: What the node does; DISABLED while it is not active.
        counters: Since configure.
        statistics: Since configure.
        sent: Commands since configure.
        rivals: Full names of other nodes that could command the robot; a silent one is no fault.
        speed_scaling: Topic -> share of full speed, of the controllers that publish it.
        commander: Of the robot now, as `ControlPublisher.told` has it.
    """
    level = _LEVELS[status.state]
    if status.state is State.TAKEOVER and status.alarm:
        level = DiagnosticStatus.WARN
    return DiagnosticStatus(
        level=level,
        name='infer: inference',
        message=status.line,
        hardware_id=robot,
        values=_values(
            state=status.state.value,
            reason=status.reason,
            next=status.next,
            commander=commander,
            node=node,
            latency_ms_p50=f'{counters.latency_ms(50):.1f}',
            latency_ms_p99=f'{counters.latency_ms(99):.1f}',
            network_ms_p50=_percentile(statistics.network_ms, 50),
            network_ms_p99=_percentile(statistics.network_ms, 99),
            late=counters.late,
            holds=counters.holds,
            clamps=counters.clamps,
            commands=sent,
            seam_rad_p99=f'{counters.seam_rad(99):.4f}',
            rate_hz=f'{statistics.rate_hz:.2f}',
            worst_gap_s=f'{statistics.worst_gap_s:.3f}',
            other_commanders=', '.join(rivals),
            speed_scaling=f'{min(speed_scaling.values()):.2f}' if speed_scaling else '',
        ),
    )


def stream_status(
    robot: str, stream: StreamStatus, fault: str, silence: str, doubt: str
) -> DiagnosticStatus:
    """The status of a stream, named by its topic.

    Args:
        robot: Its name, for ``hardware_id``.
        stream: As the runner has it.
        fault: Why nothing can arrive; empty, as the others, if there is no reason.
        silence: Why nothing has come for a while.
        doubt: Why what arrives may be wrong.
    """
    level, message = DiagnosticStatus.OK, 'ok'
    if problem := fault or stream.problem:
        level, message = DiagnosticStatus.ERROR, problem
    elif stream.age_s is None:
        lacks = 'not every name has arrived yet' if stream.samples else 'nothing has arrived yet'
        level, message = DiagnosticStatus.STALE, silence or lacks
    elif stream.stale:
        reasons = filter(None, (stream.stale, stream.slow or silence))
        level, message = DiagnosticStatus.STALE, '. '.join(reasons)
    elif doubts := '; '.join(filter(None, (doubt, stream.slow))):
        level, message = DiagnosticStatus.WARN, doubts
    return DiagnosticStatus(
        level=level,
        name=f'infer: {stream.topic}',
        message=message,
        hardware_id=robot,
        values=_values(
            rate_hz=f'{stream.rate_hz:.1f}',
            slowest=stream.slowest,
            age_s='' if stream.age_s is None else f'{stream.age_s:.3f}',
            drops=sum(stream.drops.values()),
            **{f'drops.{kind}': count for kind, count in stream.drops.items()},
        ),
    )


def _percentile(values: deque[float], percent: float) -> str:
    return f'{percentile(values, percent):.1f}' if values else ''


def _values(**values: object) -> list[KeyValue]:
    return [KeyValue(key=key, value=str(value)) for key, value in values.items()]

"""The phase of ticks: soon after images have arrived, so that observations are fresh."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

# Ticks that are measured before the timer is moved.
_TICKS = 6
# Arrivals shake by a millisecond or so; a tick before its image would see the one before.
_MARGIN_S = 0.003
_SLACK_S = 0.001
# Steps stay as long as in training, within a few percent.
_LARGEST_SHARE = 0.05
# A policy's period is a multiple of a camera's if it is as close as this.
_DIVIDES = 0.02
# A camera that is silent for so long has no phase.
_SILENT_S = 1.0


@dataclass(slots=True)
class _Camera:
    """Arrival of the images of one topic, and the delay of ticks after it."""

    newest_s: float
    period_s: float = 0.0
    waits_s: deque[float] = field(default_factory=lambda: deque(maxlen=_TICKS))

    def least_s(self, tick_s: float) -> float:
        """The least wait of a tick for an image; below 0 where one came just too early for it."""
        steps = tick_s / self.period_s
        if round(steps) < 1 or abs(steps - round(steps)) > _DIVIDES:
            return min(self.waits_s)
        # Where the rates divide, a tick that found an image so old has just missed the next.
        missed_s = 0.75 * self.period_s
        return min(wait - self.period_s if wait > missed_s else wait for wait in self.waits_s)


class TickPhase:
    """The phase of a timer's ticks relative to the arrivals of images.

    A camera at 30 Hz and a policy at 10 Hz, each with a clock of its own, keep their distance
    for minutes: every image may be 30 ms old when it is used, or none. Ticks are moved, a
    little at a time, to where the images of all cameras together are freshest. Where the rates
    do not divide, some tick is always close to an arrival, and little is moved.
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._cameras: dict[str, _Camera] = {}

    def arrived(self, topic: str, now_s: float) -> None:
        """Note that an image of a topic has arrived."""
        camera = self._cameras.get(topic)
        if camera is None or now_s - camera.newest_s > _SILENT_S:
            self._cameras[topic] = _Camera(now_s)
            return
        since_s, camera.newest_s = now_s - camera.newest_s, now_s
        share = 0.1 if camera.period_s else 1.0
        camera.period_s += share * (since_s - camera.period_s)

    def tick(self, now_s: float) -> float:
        """Note a tick.

        Returns:
            By how much the ticks after the next one should come earlier [s]; below 0: later.
        """
        cameras = [
            camera
            for camera in self._cameras.values()
            if camera.period_s > 0.0 and now_s - camera.newest_s < _SILENT_S
        ]
        for camera in cameras:
            camera.waits_s.append(now_s - camera.newest_s)
        if not cameras or min(len(camera.waits_s) for camera in cameras) < _TICKS:
            return 0.0
        shift_s = self._best_shift_s(cameras)
        if abs(shift_s) <= _SLACK_S:
            return 0.0
        # The waits are measured anew.
        for camera in cameras:
            camera.waits_s.clear()
        most_s = _LARGEST_SHARE * self._period_s
        return max(-most_s, min(shift_s, most_s))

    def _best_shift_s(self, cameras: list[_Camera]) -> float:
        """The shift of ticks to that camera's arrival at which all images are freshest [s]."""
        waits = [(camera.least_s(self._period_s), camera.period_s) for camera in cameras]

        def age_s(earlier_s: float) -> float:
            # So close to an arrival, the image might just be missed.
            return sum((least - earlier_s - _MARGIN_S / 2) % period for least, period in waits)

        # The same place in time can be reached from both sides; the nearer one is taken.
        shifts_s = [
            min(least - _MARGIN_S, least - _MARGIN_S - period, key=abs) for least, period in waits
        ]
        return min(shifts_s, key=lambda earlier_s: (round(age_s(earlier_s), 3), abs(earlier_s)))

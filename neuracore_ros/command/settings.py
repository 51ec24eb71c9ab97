"""Settings of running a policy, as a user may choose them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from neuracore_ros.command.plan import BLENDS
from neuracore_ros.description.limits import START_MAX
from neuracore_ros.errors import UserError

REARMS = ('auto', 'manual')
PROFILES = ('spline', 'ruckig')
STAMPS = ('zero', 'now')


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of how a policy is run.

    Attributes:
        enabled: Whether to move without being asked through ``~/enable``.
        rearm: ``auto``: start again by itself after input faults; ``manual``: after none.
        start_tolerance: A first action this close to the measured joints starts at once [rad].
        start_max: Up to here it is blended in; beyond, the robot is held [rad].
        start_speed: Share of the velocity limits while blending in.
        execute_steps: Steps between two predictions; 0: half the horizon, at most 0.5 s.
        max_ahead_s: How far a message may reach into the future [s].
        max_tracking_error: Between commanded and measured; beyond, the robot is held [rad].
        blend: How predictions that overlap are joined: ``none``, ``linear``, ``minimum_jerk`` or
            ``ensemble``.
        profile: ``spline``, or ``ruckig``: limited in jerk, where accelerations are given.
        stamp: Of chunks: ``zero``, they begin when they arrive; ``now``, when they were made.
        inpaint: Whether a policy that can continues the plan that is followed meanwhile.
        delay_steps: A prediction is used exactly so many steps after its observation, so that
            equal recordings give equal commands however fast the model is; one that comes later
            stops the robot. 0: it is used as soon as it comes.
        command_rate_hz: Of single streamed points; 0: one a step.
        frozen_after_s: Identical image bytes for this long are a fault [s]; 0: never.
        task: The instruction that the policy reads.
        dry_run: Nothing is published, so that no controller has to listen or to follow.
        allow: Kinds of hazards that are meant, such as ``missing,sense``; any other is refused,
            except in a dry run. See ``neuracore_ros.policy.hazards``.
    """

    enabled: bool = True
    rearm: str = 'auto'
    start_tolerance: float = 0.1
    start_max: float = START_MAX
    start_speed: float = 0.25
    execute_steps: int = 0
    max_ahead_s: float = 0.5
    max_tracking_error: float = 0.3
    blend: str = 'linear'
    profile: str = 'spline'
    stamp: str = 'zero'
    inpaint: bool = True
    delay_steps: int = 0
    command_rate_hz: float = 0.0
    frozen_after_s: float = 0.0
    task: str = ''
    dry_run: bool = False
    allow: str = ''

    def __post_init__(self) -> None:
        """Refuse values that make no sense.

        Raises:
            UserError: One line that names setting and value.
        """
        _choice('rearm', self.rearm, REARMS)
        _choice('blend', self.blend, tuple(BLENDS))
        _choice('profile', self.profile, PROFILES)
        _choice('stamp', self.stamp, STAMPS)
        _above('start_tolerance', self.start_tolerance, 0.0)
        _above('start_max', self.start_max, self.start_tolerance)
        if not 0.0 < self.start_speed <= 1.0:
            raise UserError(f'start_speed must be above 0 and at most 1, is {self.start_speed:g}')
        _above('execute_steps', self.execute_steps, 0)
        _above('delay_steps', self.delay_steps, 0)
        _above('max_ahead_s', self.max_ahead_s, 0.0)
        if not 0.0 < self.max_tracking_error < math.inf:
            raise UserError(f'max_tracking_error must be above 0, is {self.max_tracking_error:g}')
        _above('command_rate_hz', self.command_rate_hz, 0.0)
        _above('frozen_after_s', self.frozen_after_s, 0.0)

    def steps_between(self, horizon: int, rate_hz: float) -> int:
        """Steps from one request to the next.

        Raises:
            UserError: A policy of this horizon has no output for that long, or a message could
                not hold one step.
        """
        if self.execute_steps > horizon:
            raise UserError(
                f'execute_steps is {self.execute_steps}; the policy predicts {horizon} steps'
            )
        if self.max_ahead_s * rate_hz < 1.0 - 1e-6:
            raise UserError(
                f'max_ahead_s is {self.max_ahead_s:g}, shorter than one step of the policy '
                f'({1.0 / rate_hz:g} s)'
            )
        steps = self.execute_steps or max(1, min(horizon // 2, int(0.5 * rate_hz)))
        if max(steps, self.delay_steps) + self.delay_steps > horizon:
            raise UserError(
                f'delay_steps is {self.delay_steps}: with a prediction every '
                f'{max(steps, self.delay_steps)} steps, of {horizon} steps each, the robot runs '
                'out of them before the next is used'
            )
        return steps


def _choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UserError(f"{name} must be one of {', '.join(sorted(known))}, is '{value}'")


def _above(name: str, value: float, low: float) -> None:
    if not (math.isfinite(value) and value >= low):
        raise UserError(f'{name} must be at least {low:g}, is {value:g}')

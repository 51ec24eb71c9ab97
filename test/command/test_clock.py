"""Steps on a clock that may jump, beside one that never does."""

from neuracore_ros.command.clock import Jump, StepClock

MS = 1_000_000


def clock():
    """20 steps a second; 0.2 s more is a jump."""
    clock = StepClock(20.0, 0.2)
    assert clock.tick(1000 * MS, 0) == Jump(0, 0, False)
    return clock


def test_a_clock_that_goes_back_is_astray_by_that_and_by_what_has_passed():
    assert clock().tick(700 * MS, 80 * MS) == Jump(-300 * MS, -380 * MS, True)


def test_where_nobody_knows_what_has_passed_it_is_guessed():
    assert clock().tick(700 * MS, guess_ns=50 * MS) == Jump(-300 * MS, -350 * MS, False)


def test_a_clock_that_goes_forward_is_astray_but_by_what_has_passed():
    assert clock().tick(1500 * MS, 50 * MS) == Jump(500 * MS, 450 * MS, True)
    # A process that was stopped for so long: the time has passed, and the robot has moved on.
    assert clock().tick(1500 * MS, 500 * MS) == Jump(500 * MS, 0, True)
    assert clock().tick(1500 * MS) == Jump(500 * MS, 0, False)


def test_a_small_step_of_the_clock_is_no_jump_and_yet_no_time_that_passed():
    assert clock().tick(1150 * MS, 50 * MS) == Jump(0, 100 * MS, True)
    assert clock().tick(1050 * MS + 1000, 50 * MS) == Jump(0, 0, True)


def test_what_was_between_two_ticks_of_which_one_has_no_steady_time_is_not_known():
    jumping = clock()
    jumping.tick(700 * MS)
    assert jumping.tick(750 * MS, 90 * MS) == Jump(0, 0, False)
    assert jumping.tick(800 * MS, 140 * MS) == Jump(0, 0, True)


def test_after_a_restart_nothing_is_compared_with_before():
    restarted = clock()
    restarted.restart()
    assert restarted.tick(0, 0) == Jump(0, 0, False)
    assert restarted.step(0) == 0

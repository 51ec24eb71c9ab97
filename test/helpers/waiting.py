"""Waiting in real time: until something is true, or to prove that something stays true."""

import time


def wait_until(condition, seconds=30.0, message='what was expected', every_s=0.02):
    """Wait until a condition gives something true, and return that.

    Args:
        condition: A function without arguments.
        seconds: How long it may take on the busiest machine.
        message: Completes "waited in vain for"; a function is asked for it only then.
        every_s: The time between two tries.
    """
    end_s = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end_s:
            told = message() if callable(message) else message
            raise AssertionError(f'waited {seconds:g} s in vain for {told}')
        time.sleep(every_s)
    return found


def stays(condition, seconds, message='what was true'):
    """Require that a condition is true now, at the end of so much time, and all the while.

    Nothing that happens can show that nothing else does: this takes all the time it is given.
    """
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        assert condition(), f'did not stay for {seconds:g} s: {message}'
        time.sleep(0.02)
    assert condition(), f'did not stay for {seconds:g} s: {message}'


def random_moment(generator, least_s, most_s):
    """Let a random time pass, which a seed repeats: what follows may happen at any moment."""
    time.sleep(generator.uniform(least_s, most_s))

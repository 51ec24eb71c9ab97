"""Words of a command line that several verbs take, as numbers; wrong ones end with status 2."""

import argparse


def count(text: str) -> int:
    """An integer of at least 1."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f'{text} is not at least 1')
    return number


def natural(text: str) -> int:
    """An integer of at least 0."""
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError(f'{text} is below 0')
    return number


def positive(text: str) -> float:
    """A number above 0; below 1e9, so that seconds become nanoseconds."""
    if not 0.0 < (number := float(text)) < 1e9:
        raise argparse.ArgumentTypeError(f'{text} is not above 0, or not below 1e9')
    return number


def rate(text: str) -> float:
    """Steps or messages per second, [Hz]."""
    if not 0.1 <= (rate_hz := float(text)) <= 1000.0:
        raise argparse.ArgumentTypeError(f'{text} is not between 0.1 and 1000 Hz')
    return rate_hz


def image_size(text: str) -> tuple[int, int]:
    """``224`` or ``320x240`` (width, height) as (height, width), [px]."""
    try:
        width, height = (int(part) for part in (text.split('x') if 'x' in text else (text, text)))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'{text} is neither 224 nor 320x240') from error
    if not (1 <= width <= 4096 and 1 <= height <= 4096):
        raise argparse.ArgumentTypeError(f'{text}: sides are from 1 to 4096')
    return height, width

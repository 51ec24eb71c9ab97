"""Counts, lists and tables as people read them in a terminal."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence


def counted(number: int, noun: str, several: str = '') -> str:
    """``1 episode``, ``2 episodes``; or, given so, ``2 guesses``."""
    return f'{number} {noun}' if number == 1 else f'{number} {several or f"{noun}s"}'


def counts(counter: Mapping[str, int]) -> str:
    """``stale 12, future 3``, the most frequent first."""
    return ', '.join(f'{what} {n}' for what, n in Counter(counter).most_common()) or '-'


def number_list(values: Iterable[float]) -> str:
    """``[0.5, -1, 3.142]``: numbers to four digits, as YAML has a list."""
    return f'[{", ".join(f"{value:.4g}" for value in values)}]'


def few(names: Sequence[str], most: int = 3) -> str:
    """``a, b, c and 2 more``."""
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return f'{", ".join(names[:most])}{more}'


def spans(numbers: Sequence[int]) -> str:
    """Ascending numbers as ``3 7-9``, as the command line takes them."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ' '.join(f'{first}-{last}' if last > first else f'{first}' for first, last in parts)


def text_table(rows: Sequence[Sequence[str]], left: int | None = None) -> str:
    """Rows of cells as lines in which the columns are aligned.

    Args:
        rows: The first is the heading.
        left: So many first columns begin alike, the others end alike; None: all begin alike.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return '\n'.join(
        '  '.join(
            cell.ljust(width) if left is None or place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )

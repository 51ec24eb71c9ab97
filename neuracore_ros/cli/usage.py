"""Command lines that are wrong: one line of usage, one line that says what is wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection
from typing import NoReturn

from neuracore_ros.similar_names import most_alike

# What is less alike was not meant: `gpu` is not `inputs`.
_ALIKE = 0.7


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors fit on a screen; ``--help`` lists all options."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        needed = [_shown(action) for action in self._actions if _is_needed(action)]
        usage = ' '.join([self.prog, *needed, '[OPTIONS]'])
        print(f'usage: {usage}; options: {self.prog} --help', file=sys.stderr)
        self.exit(2, f'{self.prog}: error: {message}\n')


def nearest_option(option: str, known: Collection[str]) -> str:
    """``; did you mean --learning-rate?``, of what is known; also by its first letters."""
    # Without their dashes, in which all are alike.
    words = {each.lstrip('-'): each for each in known}
    given = option.lstrip('-')
    found = [word for word in words if _initials(word) == given and len(given) > 1]
    found += [word for word in words if len(word) > 2 and given.startswith(f'{word}-')]
    chosen = found[0] if found else most_alike(given, words, _ALIKE)
    return f'; did you mean {words[chosen]}?' if chosen else ''


def _initials(option: str) -> str:
    return ''.join(word[0] for word in option.split('-') if word)


def _is_needed(action: argparse.Action) -> bool:
    return not action.option_strings or action.required


def _shown(action: argparse.Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else action.dest
    if action.option_strings:
        return f'{action.option_strings[-1]} {name if action.metavar else name.upper()}'
    if action.nargs == '?':
        return f'[{name}]'
    return f'{name} ...' if action.nargs in ('+', '*') else name

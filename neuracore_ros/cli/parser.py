"""The command line with all verbs; what is wrong with one fits into two lines."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from neuracore_ros import __version__
from neuracore_ros.cli.arguments import not_empty
from neuracore_ros.cli.help_format import HelpFormatter
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.given_path import given_path
from neuracore_ros.similar_names import known_names, most_alike

VERBS = (
    'describe',
    'layout',
    'align',
    'record',
    'convert',
    'edit',
    'report',
    'train',
    'export',
    'evaluate',
    'check',
    'watch',
    'serve',
    'demo',
)
# Less alike options are not suggested: `inputs` for `gpu`.
_ALIKE = 0.7


class CommandParser(argparse.ArgumentParser):
    """An argument parser whose errors fit on a screen; ``--help`` lists all options.

    Attributes:
        verbs: Verb -> its parser; empty of a verb itself.
    """

    verbs: Mapping[str, CommandParser] = {}

    @property
    def options(self) -> list[str]:
        """The options with their dashes."""
        return [option for action in self._actions for option in action.option_strings]

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        actions = [each for each in self._actions if each.required or not each.option_strings]
        needed = [_shown(action) for action in actions]
        usage = ' '.join([self.prog, *needed, '[OPTIONS]'])
        print(f'usage: {usage}; options: {self.prog} --help', file=sys.stderr)
        self.exit(2, f'{self.prog}: error: {message}\n')


def make_parser() -> CommandParser:
    """The command line with all verbs; the documentation is made from it, too."""
    parser = CommandParser(
        prog='neuracore_ros',
        description='One learned policy, many ROS 2 robots.',
        epilog='neuracore_ros VERB --help explains a verb.',
    )
    parser.add_argument('--version', action='version', version=__version__)
    verbs = parser.add_subparsers(title='verbs', metavar='VERB', required=True)
    parser.verbs = verbs.choices
    for name in VERBS:
        module = importlib.import_module(f'neuracore_ros.cli.{name}')
        verb = verbs.add_parser(
            name,
            help=module.SUMMARY,
            description=module.SUMMARY,
            epilog=f'examples:\n{module.EXAMPLES}',
            formatter_class=HelpFormatter,
        )
        verb.register('type', Path, not_empty(given_path))
        verb.register('type', robot_file, not_empty(robot_file))
        module.add_arguments(verb)
        verb.set_defaults(run=module.run, verb=name, wrong_usage=verb.error)
    return parser


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command; a wrong one ends with status 2."""
    parser = make_parser()
    _require_known(parser, words)
    chosen, unknown = parser.parse_known_args(words)
    if unknown:
        parser.verbs[chosen.verb].error(f'takes no more arguments: {" ".join(unknown)}')
    return chosen


def nearest_option(option: str, known: Collection[str]) -> str:
    """``; did you mean --learning-rate?``, of what is known; also by its first letters."""
    # Without their dashes, in which all are alike.
    words = {each.lstrip('-'): each for each in known}
    given = option.lstrip('-')
    initials = {''.join(part[:1] for part in word.split('-')): word for word in reversed(words)}
    found = [initials[given]] if len(given) > 1 and given in initials else []
    found += [word for word in words if len(word) > 2 and given.startswith(f'{word}-')]
    chosen = found[0] if found else most_alike(given, words, _ALIKE)
    return f'; did you mean {words[chosen]}?' if chosen else ''


def _require_known(parser: CommandParser, words: Sequence[str]) -> None:
    """End with 2 at a mistyped verb or option, before argparse misreads it."""
    if not words or words[0].startswith('-'):
        return
    if words[0] not in VERBS:
        parser.error(f"there is no verb '{words[0]}'{known_names(words[0], VERBS)}")
    verb = parser.verbs[words[0]]
    for word in words[: words.index('--')] if '--' in words else words:
        option = word.partition('=')[0]
        if option.startswith('--') and not any(each.startswith(option) for each in verb.options):
            verb.error(f'there is no option {option}{nearest_option(option, verb.options)}')
        # argparse takes these dashes for those that end the options, and finds no value at all.
        if option.startswith('--') and word == f'{option}=--':
            verb.error(f"argument {option}: '--' is no value")


def _shown(action: argparse.Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else action.dest
    if action.option_strings:
        return f'{action.option_strings[-1]} {name if action.metavar else name.upper()}'
    if action.nargs == '?':
        return f'[{name}]'
    if action.nargs == '*':
        return f'[{name} ...]'
    return f'{name} ...' if action.nargs == '+' else name

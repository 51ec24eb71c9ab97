"""``--help`` on a terminal: lines that fit, commands that can be copied."""

import re
import shlex

import pytest

from neuracore_ros.cli.help_format import command_lines
from neuracore_ros.cli.parser import VERBS, make_parser


def help_of(verb, monkeypatch, columns):
    monkeypatch.setenv('COLUMNS', str(columns))
    return make_parser().verbs[verb].format_help()


def body(text):
    """All behind the usage, which argparse itself lays out."""
    return text.partition('\n\n')[2].splitlines()


@pytest.mark.parametrize('verb', VERBS)
def test_the_help_of_a_verb_fits_into_80_columns(verb, monkeypatch):
    lines = body(help_of(verb, monkeypatch, 80))
    # The choices of an option are one word.
    assert [line for line in lines if len(line) > 80 and '{' not in line] == []


@pytest.mark.parametrize('verb', VERBS)
def test_a_narrow_terminal_loses_no_word_of_the_help(verb, monkeypatch):
    def words(columns):
        text = re.sub(r'\[-h\].*?\n\n', '', help_of(verb, monkeypatch, columns), flags=re.DOTALL)
        # Within a word of the list of options, a hyphen may end a line.
        return sorted(re.sub(r'-\n *', '-', text).replace('\\\n', '').split())

    assert words(80) == words(400)


@pytest.mark.parametrize('verb', VERBS)
def test_every_example_stays_one_command_of_the_shell(verb, monkeypatch):
    def commands(columns):
        text = help_of(verb, monkeypatch, columns).partition('examples:\n')[2]
        lines = text.partition('\n\n')[0].replace('\\\n', '').splitlines()
        found = [shlex.split(line, comments=True) for line in lines]
        return [words for words in found if words]

    assert commands(60) == commands(400)


def test_a_comment_that_fits_nowhere_behind_stands_before_its_command():
    line = '  neuracore_ros watch --once         # as it is now; 1 if none is heard'
    assert command_lines(line, 60) == [
        '  # as it is now; 1 if none is heard',
        '  neuracore_ros watch --once',
    ]
    assert command_lines(line, 64) == [
        '  neuracore_ros watch --once  # as it is now; 1 if none is heard'
    ]


def test_a_command_is_cut_before_an_option_and_keeps_its_value_beside_it():
    line = '  neuracore_ros convert data --description ur5.yaml day.mcap --trim-idle 0.02'
    assert command_lines(line, 50) == [
        '  neuracore_ros convert data \\',
        '      --description ur5.yaml day.mcap \\',
        '      --trim-idle 0.02',
    ]

"""The layout of ``--help`` on a terminal of any width."""

from __future__ import annotations

import argparse
import re
import textwrap

# Between a command and its comment, and before what goes on in the next line.
_GAP, _INDENT = '  ', ' ' * 6


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Sentences are wrapped to the terminal; commands stay such that they can be copied."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines: list[str] = []
        sentence: list[str] = []
        # A command of several lines is one, to be cut anew.
        for line in [*re.sub(r' \\\n\s+', ' ', text).splitlines(), '']:
            if line and not line.startswith(' '):
                sentence.append(line)
                # What ends a sentence ends its paragraph: keys, then services, then the rest.
                if not line.endswith(('.', ':')):
                    continue
            lines += textwrap.wrap(' '.join(sentence), width, break_on_hyphens=False)
            sentence = []
            if not line or line.startswith(' '):
                lines += command_lines(line, width)
        return '\n'.join(f'{indent}{line}'.rstrip() for line in lines[:-1])


def command_lines(line: str, width: int) -> list[str]:
    """An indented command in lines of at most ``width`` letters, which a shell reads as one.

    A comment that does not fit behind stands before its command.
    """
    if len(line) <= width:
        return [line]
    command, _, comment = line.partition(' # ')
    command = command.rstrip()
    if comment and len(short := f'{command}{_GAP}# {comment}') <= width:
        return [short]
    above = [f'{_GAP}# {comment}'] if comment else []
    # An option and its value stay together.
    words = re.split(r' (?=-)', command.strip())
    found = [_GAP + words[0]]
    for word in words[1:]:
        if len(f'{found[-1]} {word} \\') <= width:
            found[-1] += f' {word}'
        else:
            found[-1] += ' \\'
            found.append(_INDENT + word)
    return above + found

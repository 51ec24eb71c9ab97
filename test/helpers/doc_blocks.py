"""The blocks of code of a page, and the commands in them."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

SHELLS = ('bash', 'console', 'sh')
# A mark is a comment in the line before a block: <!-- no-run: reason -->
MARK = re.compile(r'<!-- (no-run|background|end|file|status)(?:: (.*))? -->')
PROGRAMS = (
    *('neuracore_ros', 'infer_node', 'sim_robot', 'ros2', 'pip', 'python', 'python3', 'make'),
    *(
        'colcon',
        'sudo',
        'apt',
        'export',
        'source',
        'git',
        'docker',
        'systemctl',
        'journalctl',
        'bash',
        'sha256sum',
    ),
)


@dataclass(slots=True)
class Block:
    """One block of code.

    Attributes:
        page: Its file.
        line: Where it begins.
        language: '' where none is written.
        marks: What is said of it to its tests, such as {'no-run': 'needs apt'}.
    """

    page: Path
    line: int
    language: str
    marks: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        return f'{self.page.name}:{self.line}'

    @property
    def text(self) -> str:
        return '\n'.join(self.lines) + '\n'

    @property
    def script(self) -> str:
        """The commands that a person would type."""
        if self.language != 'console':
            return self.text
        return '\n'.join(line[2:] for line in self.lines if line.startswith('$ '))

    @property
    def is_shell(self) -> bool:
        words = self.text.split()
        return self.language in SHELLS or (not self.language and words[0] in PROGRAMS)


def blocks(page: Path) -> list[Block]:
    """Read the blocks of a page, fenced or indented, in order."""
    found: list[Block] = []
    block, fence, indent, marks, before, in_list = None, '', '', {}, '', False
    for number, line in enumerate(page.read_text().splitlines(), start=1):
        opened = re.match(r'(\s*)(`{3,}|~{3,})\s*(\S*)', line)
        if fence:
            if line.strip() == fence:
                found.append(block)
                block, fence, marks = None, '', {}
            else:
                block.lines.append(line.removeprefix(indent))
        elif opened:
            indent, fence, language = opened.groups()
            block = Block(page, number + 1, language, marks)
        elif line.startswith('    ') and not in_list and (block or not before.strip()):
            block = block or Block(page, number, '', marks)
            block.lines.append(line[4:])
        elif block and not line.strip():
            block.lines.append('')
        else:
            if block:
                found.append(block)
                block, marks = None, {}
            if mark := MARK.fullmatch(line.strip()):
                marks = {**marks, mark[1]: mark[2] or ''}
            elif line.strip():
                marks = {}
            if line.strip():
                in_list = bool(re.match(r'\s*([-*]|\d+\.)\s', line)) or (
                    in_list and line.startswith(' ')
                )
        before = line
    return [*found, block] if block else found


def commands(script: str) -> list[list[str]]:
    """The commands of a script, each as words; without loops, pipes and redirections."""
    found = []
    for line in re.sub(r'\\\n', ' ', script).splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=';|&<>')
        lexer.whitespace_split, lexer.commenters = True, '#'
        command: list[str] = []
        for word in [*lexer, ';']:
            if word in {';', '|', '&', '&&', '||', '>', '>>', '<'}:
                found += [command] if command else []
                command = []
            else:
                command.append(word)
    return [command for command in found if command[0] in PROGRAMS]

"""Data as YAML in any style in which people may write it; the same for a seed."""

import random
import re

_PLAIN = re.compile(r'[/A-Za-z_][\w./]*')
_WORDS = {'none', 'true', 'false'}


def any_yaml(data: dict, chance: random.Random, aliased: float = 0.25) -> str:
    """Text of a mapping: blocks and braces, any indentation, quotes, comments, anchors, line ends.

    Args:
        data: Nested mappings and lists of texts and numbers.
        chance: Chooses.
        aliased: The share of values that have an anchor, or stand for an equal value by its alias.
    """
    text = '\n'.join(_Writer(chance, aliased).block(data, 0))
    text += chance.choice(['', '\n', '\n\n', '\n# end\n'])
    return text.replace('\n', chance.choice(['\n', '\n', '\r\n']))


class _Writer:
    def __init__(self, chance: random.Random, aliased: float) -> None:
        self._chance, self._aliased = chance, aliased
        self._anchors: dict[str, str] = {}

    def block(self, data: dict, margin: int) -> list[str]:
        choose, step = self._chance.choice, self._chance.choice([1, 2, 2, 4, 6])
        lines = []
        for key, value in data.items():
            if self._chance.random() < 0.1:
                lines.append(choose(['', f'{" " * margin}# a line', '# left']))
            head = f'{" " * margin}{self._scalar(key)}:'
            is_list = isinstance(value, list) and not any(isinstance(v, list) for v in value)
            if isinstance(value, dict) and value and choose([True, True, False]):
                anchor = self._anchor(value)
                lines.append(f'{head} {anchor}{self._comment()}')
                if not anchor.startswith('*'):
                    lines += self.block(value, margin + step)
            elif is_list and value and choose([True, False]):
                dash = f'{" " * (margin + choose([0, step]))}-{choose([" ", "   "])}'
                lines.append(head + self._comment())
                lines += [f'{dash}{self._scalar(each)}{self._comment()}' for each in value]
            else:
                text = self._flow(value, margin)
                lines.append(f'{head}{choose([" ", "   "])}{text}{self._comment()}')
        return lines

    def _flow(self, value: object, margin: int) -> str:
        anchor = self._anchor(value)
        if anchor.startswith('*'):
            return f'{anchor} '
        if isinstance(value, dict):
            pairs = [
                f'{self._gap(margin)}{self._scalar(k)}: {self._flow(v, margin)}'
                for k, v in value.items()
            ]
            commas = self._chance.choice([',', ', ', ' , '])
            end = self._chance.choice(['', ' ', ',']) if value else ''
            text = f'{{{commas.join(pairs)}{end}}}'
        elif isinstance(value, list):
            inner = ', '.join(self._flow(each, margin) for each in value)
            text = f'[{self._gap(margin)}{inner}{self._chance.choice(["", " "])}]'
        else:
            text = self._scalar(value)
        return f'{anchor} {text}' if anchor else text

    def _gap(self, margin: int) -> str:
        if self._chance.random() < 0.85:
            return self._chance.choice(['', ' ', '  '])
        return self._chance.choice(['\n', ' # within\n']) + ' ' * (margin + 1)

    def _scalar(self, value: object) -> str:
        if not isinstance(value, str) or value in _WORDS:
            return str(value)
        quoted = [f"'{value}'", f'"{value}"']
        return self._chance.choice([value, value, *quoted] if _PLAIN.fullmatch(value) else quoted)

    def _comment(self) -> str:
        return self._chance.choice(['', '', f'  # {self._chance.randrange(99)}', ' #x'])

    def _anchor(self, value: object) -> str:
        """An anchor for a value, the alias of an equal one, or nothing."""
        if self._chance.random() > self._aliased:
            return ''
        if (key := repr(value)) in self._anchors:
            return f'*{self._anchors[key]}'
        if self._chance.choice([True, False]):
            return ''
        self._anchors[key] = f'n-{len(self._anchors)}'
        return f'&{self._anchors[key]}'

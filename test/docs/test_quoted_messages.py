"""Every message that the page on troubleshooting quotes is one of the package."""

import ast
import re

import pytest

from helpers.doc_workspace import ROOT

PAGE = (ROOT / 'docs' / 'troubleshooting.md').read_text()
# The first column of the tables; `...` and numbers stand for anything.
CELLS = re.findall(r'^\| (?!---)(.*?) \| ', PAGE, re.MULTILINE)
QUOTED = [quoted for cell in CELLS for quoted in re.findall(r'`([^`]+)`', cell)]


@pytest.fixture(scope='module')
def texts():
    """All text of the package, without what is filled in."""
    found = []
    for path in (ROOT / 'neuracore_ros').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (v.value if isinstance(v, ast.Constant) else '\0' for v in node.values)
                found.append(''.join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return '\n'.join(found)


@pytest.mark.parametrize('quoted', QUOTED)
def test_a_quoted_message_is_one_of_the_package(quoted, texts):
    parts = [part.strip(" '") for part in re.split(r'\.\.\.|\d+|: ', quoted)]
    assert any(parts)
    assert [part for part in parts if part not in texts] == []

"""Words of the code: a class has a name of its own, and a docstring's first line stands alone."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = {path: ast.parse(path.read_text()) for path in (ROOT / 'neuracore_ros').rglob('*.py')}
DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# A first line that begins so is no sentence, or says nothing without what stands around it.
RIDDLE = re.compile(
    r'(All (of|that)|Both of|How|It|Of|That|Them|These|This|Those|What|When|Where|Which|Who(ever)?|Why)'
    r'\b'
)
# The documents of a repository that a reader has; others are cited by nobody.
DOCUMENTS = re.compile(r'(?<![\w/-])(?:docs/)?\w+\.(?:md|rst)\b')
ABSENT = re.compile(r'\bDESIGN\b')


def public(tree):
    """The public classes and functions of a module, and their public methods."""
    for node in tree.body:
        if isinstance(node, DEFINITIONS) and not node.name.startswith('_'):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


def first_lines():
    """Where each first line of a docstring stands -> that line."""
    for path, tree in MODULES.items():
        for node in (tree, *public(tree)):
            if text := ast.get_docstring(node):
                name = getattr(node, 'name', '')
                yield f'{path.relative_to(ROOT)}: {name}', text.split('\n\n')[0]


def test_a_public_class_name_exists_once():
    names = Counter(
        node.name
        for tree in MODULES.values()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith('_')
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_a_public_class_and_module_say_what_they_are():
    nameless = [
        f'{path.relative_to(ROOT)}: {getattr(node, "name", "")}'
        for path, tree in MODULES.items()
        for node in (tree, *public(tree))
        if isinstance(node, (ast.Module, ast.ClassDef)) and not ast.get_docstring(node)
    ]
    assert nameless == []


def test_the_first_line_of_a_docstring_stands_alone():
    lines = list(first_lines())
    assert [(where, line) for where, line in lines if '\n' in line] == []
    assert [(where, line) for where, line in lines if RIDDLE.match(line)] == []
    assert [(where, line) for where, line in lines if line[-1] not in '.:'] == []


def test_every_document_that_is_cited_is_in_the_repository():
    for path in MODULES:
        text = path.read_text()
        assert not ABSENT.search(text), path
        for name in DOCUMENTS.findall(text):
            there = ROOT / name, ROOT / 'docs' / name
            assert any(each.is_file() for each in there), f'{path}: {name}'

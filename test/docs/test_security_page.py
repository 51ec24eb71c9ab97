"""The page on security names tests, and files that load, which are there."""

import re
from pathlib import Path

from neuracore_ros.policy.load import KINDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs' / 'security.md').read_text()


def test_every_test_that_the_page_names_is_there():
    named = set(re.findall(r'`(\w+/test_\w+\.py)`', PAGE))
    assert len(named) > 10
    assert [name for name in named if not (ROOT / 'test' / name).is_file()] == []


def test_every_kind_of_policy_file_is_on_the_page():
    assert [ending for ending in KINDS if f'| `{ending}`' not in PAGE] == []

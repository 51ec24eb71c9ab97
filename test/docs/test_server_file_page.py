"""The page on server files: its examples are server files, and it names every key."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from helpers.doc_workspace import ROOT
from neuracore_ros.description.shipped import shipped_servers
from neuracore_ros.policy.remote import server_columns, server_file, server_requests
from neuracore_ros.policy.remote.pose_numbers import PARTS
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.policy.remote.server_map import ServerMap

PAGE = (ROOT / 'docs' / 'server_file.md').read_text()
EXAMPLES = re.findall(r'```yaml\n(.*?)```', PAGE, re.DOTALL)


@pytest.mark.parametrize('text', EXAMPLES, ids=lambda text: text.split('send')[0][-20:])
def test_an_example_is_a_server_file(text):
    ServerMap(ServerFile.parse(text, Path('example.server.yaml')))


def test_every_key_and_every_shipped_file_is_on_the_page():
    words = {
        *server_file.KEYS, *server_file.STEPS, *server_file.VERSIONS, *server_columns.SENT_OPTIONS,
        *server_columns.RECEIVED_OPTIONS, *server_columns.MODES, *server_requests.IMAGE_OPTIONS,
        *server_requests.LAYOUTS, server_requests.CONSTANT, server_columns.UNUSED, *PARTS,
        *shipped_servers(),
    }  # fmt: skip
    assert {
        word
        for word in words
        if not re.search(rf'`[^`\n]*\b{word}\b[^`\n]*`|^\|.*\b{word}\b', PAGE, re.M)
    } == set()
    assert len(words) > len(fields(ServerFile))

"""Half a minute of the soak: the script runs for as long as one likes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).resolve().parents[2] / 'benchmarks' / 'soak.py'
# Of one picture a second, a leak would be three times this in the part that counts.
MOST_GROWTH_MB = 4.0


# In real time, as all that has a ROS domain; the script takes another one.
pytestmark = pytest.mark.usefixtures('domain')


@pytest.fixture(scope='module')
def seen(tmp_path_factory):
    """What a short soak, and two lives of the node afterwards, found."""
    folder = tmp_path_factory.mktemp('soak')
    options = ['--minutes', '0.45', '--cycles', '3', '--logs', str(folder)]
    subprocess.run(
        [sys.executable, str(SOAK), *options, '--json', str(folder / 'soak.json')], check=True
    )
    return json.loads((folder / 'soak.json').read_text())


def test_at_full_rate_no_command_is_lost_or_refused(seen):
    assert seen['commands'] > 50
    assert seen['commands_lost'] == 0
    assert seen['rejections'] == []


def test_at_full_rate_memory_threads_and_files_stay_as_they_are(seen):
    assert seen['rss_mb_growth'] < MOST_GROWTH_MB
    first, last = seen['threads']
    assert last <= first
    first, last = seen['files']
    assert last <= first


def test_lives_leave_no_thread_and_no_file_behind(seen):
    threads = [life['threads'] for life in seen['cycles']]
    files = [life['files'] for life in seen['cycles']]
    assert max(threads[1:]) <= threads[0]
    assert max(files[1:]) <= files[0]

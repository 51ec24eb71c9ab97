"""sqlite3 files that name other files, or say that they hold more than they do."""

import gc
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from helpers.bounded_process import GB, run_bounded
from helpers.damaged_bags import COUNT
from helpers.forged_bags import hot_journal, sqlite_bag
from helpers.processes import until_computed
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.errors import BagError

ENDLESS = (
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)'
    ' SELECT i AS id, 1 AS topic_id, i AS timestamp, {} AS data FROM n'
)


def positions(bag):
    """First position in each message of /joint_states, and what is said to be lost."""
    with open_bag(bag) as opened:
        found = [item.message.position[0] for item in opened.read(['/joint_states'])]
        return found, opened.losses


def test_a_journal_that_names_a_file_as_super_journal_does_not_delete_it(tmp_path):
    victim = tmp_path / 'thesis.tex'
    victim.write_text('a year of work')
    bag = hot_journal(sqlite_bag(tmp_path), victim)
    found, losses = positions(bag)
    assert victim.read_text() == 'a year of work'
    assert found == list(range(COUNT)), 'what the recorder left is rolled back in a copy'
    assert 'lies beside it (was the recorder killed?)' in losses[0]


def test_a_bag_with_a_journal_is_left_as_it_is(tmp_path):
    bag = hot_journal(sqlite_bag(tmp_path), tmp_path / 'none')
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in bag.iterdir()}
    positions(bag)
    assert before == {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in bag.iterdir()}


@pytest.mark.parametrize(
    'statements',
    [
        ('ALTER TABLE messages RENAME TO m', f'CREATE VIEW messages AS {ENDLESS.format("NULL")}'),
        (
            'ALTER TABLE messages RENAME TO m',
            f'CREATE VIEW messages AS {ENDLESS.format("zeroblob(900000000)")}',
        ),
        (
            'ALTER TABLE topics RENAME TO t',
            'CREATE VIEW topics AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)'
            " SELECT i AS id, 'a' AS name, 'b' AS type, 'cdr' AS serialization_format FROM n",
        ),
        ('ALTER TABLE messages ADD COLUMN more BLOB AS (zeroblob(900000000))',),
        (
            'ALTER TABLE messages RENAME TO m',
            'CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER,'
            ' data BLOB AS (zeroblob(900000000)))',
            'INSERT INTO messages (topic_id, timestamp) SELECT topic_id, timestamp FROM m',
        ),
        (
            'DROP TABLE messages',
            'CREATE VIRTUAL TABLE messages USING fts4(topic_id, timestamp, data)',
        ),
    ],
)
def test_what_is_computed_is_no_table_of_messages(tmp_path, statements):
    bag = sqlite_bag(tmp_path, *statements)
    ended = run_bounded('describe', '--bag', bag, '--out', tmp_path / 'out.yaml', seconds=30)
    assert ended.code == 1 and ended.peak < GB
    assert len(ended.lines) == 1 and 'is no plain table' in ended.lines[0], ended.lines


def test_a_topic_whose_number_is_text_becomes_no_part_of_a_query(tmp_path):
    bag = sqlite_bag(
        tmp_path,
        'ALTER TABLE topics RENAME TO t',
        'CREATE TABLE topics(id, name, type, serialization_format)',
        "INSERT INTO topics SELECT '1) OR (1', name, type, serialization_format FROM t",
    )
    with pytest.raises(BagError, match='a topic has no number'):
        positions(bag)


@pytest.mark.parametrize('column', ['name', 'type', 'serialization_format'])
def test_a_topic_that_is_not_text_does_not_hide_the_others(tmp_path, column):
    row = {'name': "'/x'", 'type': "'a/msg/B'", 'serialization_format': "'cdr'"}
    row[column] = "CAST(x'ff00fe' AS TEXT)"
    bag = sqlite_bag(
        tmp_path,
        'INSERT INTO topics (id, name, type, serialization_format, offered_qos_profiles,'
        f" type_description_hash) VALUES (9, {', '.join(row.values())}, '', '')",
        'INSERT INTO message_definitions (topic_type, encoding, encoded_message_definition,'
        " type_description_hash) VALUES ('a', 'b', CAST(x'ff00fe' AS TEXT), '')",
    )
    assert positions(bag) == (list(range(COUNT)), ())


def tree_that_contains_itself(file):
    """Let every pointer of the messages' interior page lead to the page itself."""
    with sqlite3.connect(file) as database:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'messages'"
        ((root,),) = database.execute(query)
        ((size,),) = database.execute('PRAGMA page_size')
    database.close()
    data = bytearray(file.read_bytes())
    page = (root - 1) * size
    assert data[page] == 5, 'an interior page of a table'
    cells = int.from_bytes(data[page + 3 : page + 5], 'big')
    # All but the last lead to the first leaf: its rows come again and again.
    places = [
        int.from_bytes(data[page + 12 + 2 * k : page + 14 + 2 * k], 'big') for k in range(cells)
    ]
    first = data[page + places[0] : page + places[0] + 4]
    for place in places:
        data[page + place : page + place + 4] = first
    file.write_bytes(data)


def test_pages_that_come_again_end(tmp_path):
    bag = sqlite_bag(tmp_path)
    tree_that_contains_itself(bag / 'bag.db3')
    began = time.monotonic()
    found, losses = positions(bag)
    assert time.monotonic() - began < 20
    assert set(found) <= set(range(COUNT)) and losses


def test_control_c_ends_a_query_that_is_long(tmp_path):
    bag = sqlite_bag(
        tmp_path,
        'CREATE TABLE big(i INTEGER PRIMARY KEY)',
        'INSERT INTO big WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n'
        ' LIMIT 3000) SELECT i FROM n',
    )
    code = (
        'import sys, pathlib; from neuracore_ros.bags.sqlite_database import Database;'
        'base = Database(pathlib.Path(sys.argv[1]), 1 << 50); print("begun", flush=True);'
        'list(base.rows("SELECT count(*) FROM big a, big b, big c, big d"))'
    )
    command = [sys.executable, '-c', code, str(bag / 'bag.db3')]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'begun\n'
    until_computed(process.pid, 0.3)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=20)
    assert error.rstrip().splitlines()[-1].startswith('KeyboardInterrupt')


def test_a_query_that_takes_longer_than_its_file_can_ask_for_ends(tmp_path):
    from neuracore_ros.bags.sqlite_database import Database

    bag = sqlite_bag(tmp_path)
    database = Database(bag / 'bag.db3', 1000)
    product = 'SELECT count(*) FROM messages a, messages b, messages c, messages d'
    with pytest.raises(sqlite3.DatabaseError, match='takes longer than'):
        list(database.rows(product))
    with pytest.raises(sqlite3.DatabaseError, match='more than a file of its size can hold'):
        list(database.rows('SELECT data FROM messages'))


def test_messages_that_are_given_up_when_their_file_is_closed_say_nothing(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(sys, 'unraisablehook', lambda found: said.append(found.exc_value))
    with open_bag(sqlite_bag(tmp_path)) as opened:
        messages = opened.read(['/joint_states'])
        next(messages)
    del messages
    gc.collect()
    assert not said

"""Who commanded, from the words of a node in a recording to the columns of a dataset."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from helpers.lerobot_arm import convert_words, write_robot
from helpers.lerobot_datasets import write_lerobot
from helpers.small_bags import ROS2, Messages, at, write_bag
from helpers.two_arms import joint_states
from neuracore_ros.cli.main import main
from neuracore_ros.control import Commander, Control
from neuracore_ros.dataset.metadata import METADATA_PATH, load_metadata
from neuracore_ros.loading.reading import read_control

BOOL = ROS2.types['std_msgs/msg/Bool']
POLICY = Control(Commander.POLICY, 'lift.pt', 'ab12').to_text()
OTHER = Control(Commander.POLICY, 'push.pt', 'cd34').to_text()
HUMAN, NOBODY = 'human', 'nobody'
RATE_HZ = 20


def said(*words, until, topic='/infer/control', each_s=1.0):
    """(from, text): what a node says, repeated every second as long as it is so."""
    ends = [start for start, _ in words[1:]] + [until]
    messages = []
    for (start, text), end in zip(words, ends, strict=True):
        for time in np.arange(start, end, each_s):
            messages.append((topic, Messages().string(text), at(time)))
    return messages


def moved(*messages, seconds=4.0):
    return [*joint_states(seconds), *messages]


def columns(dataset, episode=0):
    table = pq.read_table(dataset / f'data/chunk-000/file-{episode:03d}.parquet')
    return table['intervention'].to_pylist(), table['policy'].to_pylist(), table['success']


def test_each_row_has_who_commanded_it(tmp_path, convert):
    words = said((0.0, POLICY), (1.0, HUMAN), (2.0, POLICY), (3.0, HUMAN), until=4.0)
    bag = write_bag(tmp_path / 'bag', moved(*words))
    assert convert(bag)[0] == 0
    human, policies, success = columns(tmp_path / 'data')
    second = RATE_HZ
    assert human[: 3 * second] == [False] * second + [True] * second + [False] * second
    assert policies[: 2 * second] == ['lift.pt'] * second + [''] * second
    assert not any(success.to_pylist())
    (episode,) = load_metadata(tmp_path / 'data').episodes
    assert (episode.policy, episode.interventions) == ('lift.pt', 2)
    read = read_control(tmp_path / 'data', load_metadata(tmp_path / 'data'), 0)
    assert read.intervention.tolist() == human and read.policies == policies


def test_a_demonstration_is_no_intervention(tmp_path, convert):
    bag = write_bag(tmp_path / 'bag', moved())
    assert convert(bag)[0] == 0
    human, policies, _ = columns(tmp_path / 'data')
    assert not any(human) and set(policies) == {''}
    (episode,) = load_metadata(tmp_path / 'data').episodes
    assert (episode.policy, episode.interventions, episode.pair) == ('', 0, '')


def test_a_success_is_one_in_every_row_and_in_the_table_of_episodes(tmp_path, convert):
    words = said((0.0, POLICY), until=4.0)
    marker = [('/record/episode', Messages().string(w), at(t)) for w, t in START_AND_SUCCESS]
    bag = write_bag(tmp_path / 'bag', moved(*words, *marker))
    assert convert(bag)[0] == 0
    _, policies, success = columns(tmp_path / 'data')
    assert set(success.to_pylist()) == {True} and set(policies) == {'lift.pt'}
    table = pq.read_table(tmp_path / 'data/meta/episodes/chunk-000/file-000.parquet')
    (row,) = table.to_pylist()
    assert (row['policy'], row['success'], row['pair']) == ('lift.pt', True, '')


START_AND_SUCCESS = (('start', 0.0), ('success', 3.9))


def test_features_are_declared_as_lerobot_declares_them(tmp_path, convert):
    bag = write_bag(tmp_path / 'bag', moved())
    convert(bag)
    features = json.loads((tmp_path / 'data/meta/info.json').read_text())['features']
    assert features['intervention'] == {'dtype': 'bool', 'shape': [1], 'names': None}
    assert features['policy'] == {'dtype': 'string', 'shape': [1], 'names': None}
    assert features['success'] == {'dtype': 'bool', 'shape': [1], 'names': None}


def test_steps_that_nobody_commands_are_left_out_and_counted(tmp_path, convert):
    words = said((0.0, POLICY), (1.5, NOBODY), (2.5, HUMAN), until=4.0)
    bag = write_bag(tmp_path / 'bag', moved(*words))
    code, out, _ = convert(bag, '--json')
    assert code == 0
    (result,) = json.loads(out)['bags']
    assert result['ticks_cut'] == {'nobody commands': RATE_HZ}
    assert any(
        '20 ticks left out: nobody commands, as /infer/control says' in n for n in result['notes']
    )
    episodes = load_metadata(tmp_path / 'data').episodes
    assert [(e.policy, e.interventions) for e in episodes] == [('lift.pt', 0), ('', 1)]
    assert [e.steps for e in episodes] == [30, 30]


def test_steps_that_nobody_commands_can_be_kept(tmp_path, convert):
    words = said((0.0, POLICY), (1.5, NOBODY), (2.5, HUMAN), until=4.0)
    bag = write_bag(tmp_path / 'bag', moved(*words))
    assert convert(bag, '--keep-uncommanded')[0] == 0
    human, policies, _ = columns(tmp_path / 'data')
    assert not any(human[30:50]) and set(policies[30:50]) == {''} and all(human[50:])
    code, _, err = convert(bag)
    assert code == 1 and 'cut with --keep-uncommanded, which cannot become none' in err


def test_a_node_that_falls_silent_commands_no_more(tmp_path, convert):
    bag = write_bag(tmp_path / 'bag', moved(*said((0.0, POLICY), until=1.0), seconds=6.0))
    assert convert(bag)[0] == 0
    (episode,) = load_metadata(tmp_path / 'data').episodes
    assert episode.steps == 3 * RATE_HZ + 1


def test_before_the_first_word_of_a_node_nothing_is_known(tmp_path, convert):
    bag = write_bag(tmp_path / 'bag', moved(*said((1.0, POLICY), until=4.0)))
    assert convert(bag)[0] == 0
    (episode,) = load_metadata(tmp_path / 'data').episodes
    assert episode.start_ns == at(1.0) and episode.policy == 'lift.pt'


def test_a_recording_in_which_nobody_commands_is_refused_with_the_option(tmp_path, convert):
    bag = write_bag(tmp_path / 'bag', moved(*said((0.0, NOBODY), until=4.0)))
    code, _, err = convert(bag)
    assert code == 1
    assert 'nobody commands, as /infer/control says (--keep-uncommanded keeps such ticks)' in err
    assert convert(bag, '--keep-uncommanded')[0] == 0


def test_two_policies_of_one_episode_are_both_named(tmp_path, convert):
    bag = write_bag(tmp_path / 'bag', moved(*said((0.0, POLICY), (2.0, OTHER), until=4.0)))
    assert convert(bag)[0] == 0
    (episode,) = load_metadata(tmp_path / 'data').episodes
    assert episode.policy == 'lift.pt, push.pt'


@pytest.mark.parametrize('text', ['', 'robot', '{"commander": 3}', '\0', '{' * 2000])
def test_words_that_cannot_be_read_are_nobody_s(tmp_path, convert, text):
    words = said((0.0, POLICY), (2.0, text), (3.0, POLICY), until=4.0)
    bag = write_bag(tmp_path / 'bag', moved(*words))
    code, out, _ = convert(bag, '--json')
    assert code == 0
    (result,) = json.loads(out)['bags']
    assert '/infer/control: 1 message cannot be read' in result['notes']
    assert [e.steps for e in load_metadata(tmp_path / 'data').episodes] == [40, 20]


def test_a_policy_of_any_name_is_stored(tmp_path, convert):
    name = 'a\ud800\n' + 'x' * 10_000
    text = json.dumps({'commander': 'policy', 'policy': name})
    bag = write_bag(tmp_path / 'bag', moved(*said((0.0, text), until=4.0)))
    assert convert(bag)[0] == 0
    (episode,) = load_metadata(tmp_path / 'data').episodes
    assert episode.policy.startswith('a\\ud800\\nxx') and len(episode.policy) < 5000


def test_another_program_s_topic_of_this_name_tells_nothing(tmp_path, convert):
    bag = write_bag(tmp_path / 'bag', moved(*said((0.0, 'up'), until=4.0, topic='/lamp/control')))
    assert convert(bag)[0] == 0
    assert load_metadata(tmp_path / 'data').episodes[0].steps == 80


def test_of_two_nodes_that_of_the_namespace_counts_or_the_named_one(tmp_path, convert):
    words = [
        *said((0.0, POLICY), until=4.0, topic='/left/infer/control'),
        *said((0.0, HUMAN), until=4.0, topic='/right/infer/control'),
    ]
    bag = write_bag(tmp_path / 'bag', moved(*words))
    code, _, err = convert(bag)
    assert code == 1 and 'choose one with --control' in err
    assert convert(bag, '--namespace', 'left', dataset='a')[0] == 0
    assert convert(bag, '--control', '/right/infer/control', dataset='b')[0] == 0
    assert convert(bag, '--control', 'none', dataset='c')[0] == 0
    found = [load_metadata(tmp_path / name).episodes[0] for name in 'abc']
    assert [(e.policy, e.interventions) for e in found] == [('lift.pt', 0), ('', 1), ('', 0)]


def test_a_bool_of_another_program_is_true_during_an_intervention(tmp_path, convert):
    marks = [
        ('/pedal', BOOL(is_human), at(time)) for time, is_human in ((1.0, True), (2.0, False))
    ]
    bag = write_bag(tmp_path / 'bag', moved(*marks))
    assert convert(bag, '--control', '/pedal')[0] == 0
    human, _, _ = columns(tmp_path / 'data')
    assert human == [False] * 20 + [True] * 20 + [False] * 40
    code, _, err = convert(bag, '--control', '/lever', dataset='other')
    assert code == 1 and 'nothing on /lever (--control); it has /pedal' in err
    code, _, err = convert(bag, '--control', '/joint_states', dataset='other')
    assert code == 1 and 'give a std_msgs/msg/String or a std_msgs/msg/Bool' in err


def test_a_dataset_made_before_stays_as_it_is(tmp_path, convert):
    convert(write_bag(tmp_path / 'first', joint_states(2.0)))
    data = tmp_path / 'data'
    older(data)
    words = said((0.0, POLICY), until=4.0)
    code, out, _ = convert(write_bag(tmp_path / 'second', moved(*words)), '--json')
    assert code == 0
    (result,) = json.loads(out)['bags']
    assert any('who commanded is not kept' in note for note in result['notes'])
    assert (
        'intervention' not in pq.read_table(data / 'data/chunk-000/file-001.parquet').column_names
    )
    assert 'intervention' not in json.loads((data / 'meta/info.json').read_text())['features']
    metadata = load_metadata(data)
    assert not metadata.has_control and read_control(data, metadata, 1) is None


def older(data):
    """Take from a dataset what versions before did not write."""
    path = data / METADATA_PATH
    document = json.loads(path.read_text())
    del document['has_control']
    path.write_text(json.dumps(document))
    file = data / 'data/chunk-000/file-000.parquet'
    table = pq.read_table(file)
    pq.write_table(table.drop_columns(['intervention', 'policy', 'success']), file)


def test_columns_that_are_damaged_are_refused_in_one_line(tmp_path, convert):
    convert(write_bag(tmp_path / 'bag', joint_states(2.0)))
    data = tmp_path / 'data'
    file = data / 'data/chunk-000/file-000.parquet'
    table = pq.read_table(file)
    metadata = load_metadata(data)
    for name, damaged in (
        ('intervention', table['frame_index']),
        ('policy', table['frame_index']),
    ):
        place = table.column_names.index(name)
        pq.write_table(table.set_column(place, name, damaged), file)
        with pytest.raises(Exception, match=f"'{name}' holds") as refused:
            read_control(data, metadata, 0)
        assert '\n' not in str(refused.value)
        pq.write_table(table.drop_columns([name]), file)
        with pytest.raises(Exception, match=f"lacks the column '{name}'"):
            read_control(data, metadata, 0)


def human_in_the_middle(episode, k):
    return np.array([episode == 0 and 5 <= k < 9], bool)


def test_the_interventions_of_a_lerobot_dataset_are_taken_over(tmp_path):
    extra = {'intervention': human_in_the_middle}
    source = write_lerobot(
        tmp_path / 'set', cameras=('front',), lengths=(14, 12), extra=extra, scenes=1
    )
    robot = write_robot(tmp_path)
    assert main(convert_words(tmp_path / 'data', robot, source)) == 0
    human, policies, _ = columns(tmp_path / 'data')
    assert human == [5 <= k < 9 for k in range(14)] and set(policies) == {''}
    found = [episode.interventions for episode in load_metadata(tmp_path / 'data').episodes]
    assert found == [1, 0]
    words = convert_words(tmp_path / 'without', robot, source)
    assert main([*words, '--control', 'none']) == 0
    assert not any(columns(tmp_path / 'without')[0])

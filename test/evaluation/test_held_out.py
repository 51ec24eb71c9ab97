"""Episodes that a policy learnt from do not tell how good it is."""

import json
from dataclasses import replace

from neuracore_ros.dataset import identity
from neuracore_ros.dataset.metadata import Episode, Metadata
from neuracore_ros.description import Descriptions, embodiment
from neuracore_ros.evaluation.evaluate import held_out

ARM = embodiment({'JOINT_POSITIONS': ['a']})
EPISODES = tuple(Episode('arm', f'bag_{n}', 0, 10) for n in range(20))
METADATA = Metadata(20.0, (32, 32), Descriptions({'arm': ARM}, {'arm': ARM}), EPISODES)


def asked(folder, **config):
    (folder / 'config.json').write_text(json.dumps(config))
    return held_out(folder / 'policy.pt', folder / 'reach', METADATA)


def test_the_episodes_are_those_that_training_holds_back(tmp_path):
    kept, note = asked(tmp_path, dataset='/elsewhere/reach', rows=200, seed=3)
    assert len(kept) == 2
    assert note.startswith('2 episodes that ')
    assert asked(tmp_path, dataset='reach', rows=200, seed=3)[0] == kept
    assert asked(tmp_path, dataset='reach', rows=200, seed=4)[0] != kept


def test_a_dataset_that_was_made_anew_with_as_many_steps_is_another(tmp_path):
    facts = {'dataset': 'reach', 'rows': 200, 'seed': 3}
    known = identity.fingerprint(tmp_path / 'reach', METADATA)
    assert asked(tmp_path, **facts, contents=known)[0] is not None
    others = replace(METADATA, episodes=(*EPISODES[1:], Episode('arm', 'new', 5, 10)))
    (tmp_path / 'config.json').write_text(json.dumps({**facts, 'contents': known}))
    kept, note = held_out(tmp_path / 'policy.pt', tmp_path / 'reach', others)
    assert kept is None and 'learnt from other episodes, or other numbers, than reach' in note


def test_of_another_dataset_or_an_unknown_run_nothing_is_held_back(tmp_path):
    assert asked(tmp_path, dataset='grasp', rows=200, seed=3)[0] is None
    assert asked(tmp_path, dataset='reach', rows=190, seed=3)[0] is None
    assert held_out(tmp_path / 'no' / 'policy.pt', tmp_path / 'reach', METADATA)[0] is None

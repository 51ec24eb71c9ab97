"""A run of a policy with a takeover in it, recorded, and converted to what each commanded."""

import json
import signal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from std_srvs.srv import SetBool, Trigger

from helpers.fault_rig import FaultRig
from helpers.faulty_relays import robot_file
from helpers.leader import LEADER, Leader, led
from helpers.live_robot import Running
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata


@pytest.fixture(scope='module')
def rig(domain, tmp_path_factory):
    """As for other faults, with a leader arm, from which demonstrations are read."""
    path = led(robot_file(tmp_path_factory.mktemp('robot')))
    before = 'topic: arm_controller/joint_trajectory\n'
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, f'topic: {LEADER}\n    type: JointState\n'))
    rig = FaultRig(path)
    rig.leader = Leader(rig.relays)
    yield rig
    rig.close()


def test_a_recorded_takeover_becomes_an_intervention_with_what_was_commanded(
    started_rig, tmp_path
):
    rig = started_rig
    rig.recover()
    recorder = Running(
        'neuracore_ros.cli.main',
        *('record', str(rig.robot), '--out', str(tmp_path / 'bags'), '--services'),
    )
    rig.world.until(lambda: 'ready: ' in recorder.output, 'the recorder')
    rig.world.call(Trigger, 'record/start')
    rig.world.let_pass(1.5)
    assert rig.world.call(SetBool, 'infer/takeover', data=True).success
    rig.world.until_still()
    rig.relays.do(lambda: rig.leader.grasp(rig.world.positions))
    rig.world.let_pass(2.0)
    assert rig.world.call(SetBool, 'infer/takeover', data=False).success
    rig.world.until_state('RUNNING')
    rig.world.let_pass(1.5)
    answer = json.loads(rig.world.call(Trigger, 'record/success').message)
    assert recorder.end(signal.SIGINT) == 0, recorder.output
    assert answer['counts']['/infer/control'] >= 4
    words = ['convert', str(tmp_path / 'data'), answer['path'], '--description', str(rig.robot)]
    assert main([*words, '--min-steps', '5', '--image-size', '32']) == 0
    episodes = load_metadata(tmp_path / 'data').episodes
    assert sum(episode.interventions for episode in episodes) == 1
    assert {name for episode in episodes for name in [episode.policy] if name} == {'policy.pt'}
    assert all(episode.is_success for episode in episodes)
    tables = [pq.read_table(f) for f in sorted(Path(tmp_path / 'data/data').glob('*/*.parquet'))]
    human = np.concatenate([t['intervention'].to_pylist() for t in tables])
    policies = np.concatenate([t['policy'].to_pylist() for t in tables])
    assert human.sum() > 15 and (policies[~human] == 'policy.pt').all()
    assert (policies == 'policy.pt').sum() > 30
    action = np.concatenate([t['action'].to_pylist() for t in tables])
    state = np.concatenate([t['observation.state'].to_pylist() for t in tables])
    joints = [0, 1, 2, 3, 4, 6]
    # Far from it, the leader lies until it is grasped: no step of the policy has its values.
    assert np.abs(action[:, joints] - state[:, joints]).max() < 0.2

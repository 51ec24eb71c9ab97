"""Settings: flags, keys of a file, and one line for what is wrong."""

import json

import pytest

from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.errors import DescriptionError, TrainingError
from neuracore_ros.training.config import SETTINGS, Config
from neuracore_ros.training.loop import train
from neuracore_ros.training.run import Run
from neuracore_ros.training.settings import read_settings

JOINTS, IMAGES = DataType.JOINT_POSITIONS, DataType.RGB_IMAGES


def read(tmp_path, text: str):
    path = tmp_path / 'train.yaml'
    path.write_text(text)
    return read_settings(path, SETTINGS)


def test_keys_of_a_file_are_long_flags_and_nothing_is_guessed(tmp_path):
    found = read(
        tmp_path,
        """
        learning-rate: 3e-4
        batch: 32
        minutes: null
        balance: false
        inputs: [RGB_IMAGES, JOINT_POSITIONS]
        max-episodes: {ur5: 5, franka: 0}
        """,
    )
    assert found == {
        'learning_rate': 3e-4,
        'batch': 32,
        'balance': False,
        'inputs': (JOINTS, IMAGES),
        'max_episodes': {'ur5': 5, 'franka': 0},
    }


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ('steps: 5\nlerning-rate: 1', "train.yaml:2: unknown key 'lerning-rate'; did you mean"),
        ('observation_steps: 2', "unknown key 'observation_steps'; did you mean 'observation-s"),
        ('steps: 5\nsteps: 6', "train.yaml:2: a configuration: 'steps' is given twice"),
        ('steps: many', "train.yaml:1: steps: 'many' is no whole number"),
        ('batch: 0', 'train.yaml:1: batch: 0 is not at least 1'),
        ('steps: 1,000', "train.yaml:1: steps: '1,000' is no whole number: write 1000"),
        ('observation-steps: 1000000', 'observation-steps: 1000000 is above 1000'),
        ('learning-rate: 0,001', "learning-rate: '0,001' is no number: write 0.001"),
        ('learning-rate: 0', 'learning-rate: 0 is not above 0'),
        ('learning-rate: 1e999', 'learning-rate: 1e999 is not finite'),
        ('ema: 1', 'ema: 1 is not below 1'),
        ('clip: -1', 'clip: -1 is not at least 0'),
        ('learning-rate: .inf', "learning-rate: '.inf' is no number"),
        ('balance: yes', "balance: 'yes' is neither true nor false"),
        ('policy: atc', "policy: 'atc' is unknown; did you mean 'act'?"),
        ('inputs: [JOINT_POSITION]', "'JOINT_POSITION' is no DataType; did you mean 'JOINT_POS"),
        ('inputs: [RGB_IMAGES, RGB_IMAGES]', "'RGB_IMAGES' is given twice"),
        ('max-episodes: ur5', "max-episodes: 'ur5' is not ROBOT=N"),
        ('max-episodes: "a=1,a=2"', "max-episodes: 'a' is given twice"),
        ('- steps', 'train.yaml: must be a mapping, not a list: is it the right file?'),
        ('policy: !!python/object/apply:os._exit [3]', "policy: '3' is unknown"),
    ],
)
def test_a_wrong_file_gets_one_line_with_its_place(tmp_path, text, says):
    with pytest.raises(DescriptionError) as refused:
        read(tmp_path, text)
    assert says in str(refused.value)


def test_every_setting_has_a_help_that_ends_with_its_default():
    for name, setting in SETTINGS.items():
        assert setting.help, name
        default = getattr(Config(dataset=''), name)
        if default not in (None, '', (), {}, 0) and not isinstance(default, bool):
            assert (
                f'({default:g})' if isinstance(default, float) else f'({default})' in setting.help
            )


def test_a_run_stores_a_file_that_begins_the_same_run_again(tmp_path):
    run = Run(tmp_path / 'run')
    config = Config(
        dataset='data',
        policy='act',
        inputs=(JOINTS,),
        max_episodes={'ur5': 5},
        horizon=4,
        relative=False,
        learning_rate=3e-5,
        minutes=1.5,
        rows=7,
    )
    run.write_config(config)
    assert run.config() == config
    record = json.loads((run.path / 'config.json').read_text())
    assert record['learning-rate'] == 3e-5
    del record['dataset'], record['rows'], record['number-format']
    (tmp_path / 'again.json').write_text(json.dumps(record))
    again = read_settings(tmp_path / 'again.json', SETTINGS)
    assert Config(**again, dataset='data', rows=7) == config


def test_a_resumed_run_gets_a_new_end_and_keeps_the_rest(tmp_path):
    run = Run(tmp_path / 'run')
    run.write_config(Config(dataset='data', steps=5, horizon=4, seed=3))
    assert run.resume({}).steps == 5
    longer = run.resume({'minutes': 2.0, 'threads': 1})
    assert (longer.steps, longer.minutes, longer.threads, longer.seed) == (None, 2.0, 1, 3)


def test_a_file_is_read_and_flags_win(dataset, tmp_path, capsys):
    path = tmp_path / 'train.yaml'
    path.write_text(
        f'dataset: {dataset}\nout: {tmp_path / "file"}\npolicy: mlp\nsteps: 2\nbatch: 3\n'
        'horizon: 2\ninputs: [JOINT_POSITIONS]\n'
    )
    words = ['train', '--config', str(path), '--out', str(tmp_path / 'flag'), '--batch', '4']
    assert main(words) == 0
    config = Run(tmp_path / 'flag').config()
    assert (config.batch, config.steps, config.dataset) == (4, 2, str(dataset))
    assert not (tmp_path / 'file').exists()
    again = ['train', '--config', str(tmp_path / 'flag' / 'config.json')]
    assert main([*again, '--out', str(tmp_path / 'again')]) == 0
    assert Run(tmp_path / 'again').config() == config
    first, second = (Run(tmp_path / name).metrics()[-1]['loss'] for name in ('flag', 'again'))
    assert first == second


@pytest.mark.parametrize(
    ('words', 'status', 'says'),
    [
        ('--config MISSING', 1, 'missing.yaml: no such file'),
        ('DATA --out RUN --max-episodes shrot=2', 1, "no episodes of 'shrot'; did you mean 'sh"),
        ('DATA --out RUN --max-episodes short', 2, "'short' is not ROBOT=N"),
        ('DATA --out RUN --max-episodes short=0,long=0', 1, 'leaves no episode to learn from'),
        ('DATA --out RUN --inputs POSES', 1, 'input POSES is not in it; it has: JOINT_POSITIONS'),
        ('DATA --out RUN --outputs RGB_IMAGES', 1, 'output RGB_IMAGES is not in it; it has: JO'),
        ('DATA --out RUN --precision float16 --device cpu', 1, 'float16 is emulated on a CPU'),
        ('DATA --out RUN --observation-steps 1000000', 2, '1000000 is above 1000'),
        ('DATA --out RUN --threads 1,5', 2, "--threads: '1,5' is no whole number"),
        ('DATA --out RUN --learning-rate 0,001', 2, "'0,001' is no number: write 0.001"),
        ('DATA --out RUN --pretrained imagenet --encoder patches', 1, 'take resnet18, or leave'),
        ('DATA', 2, 'give --out RUN, or --resume RUN'),
        ('--out RUN', 2, 'give DATASET, or --resume RUN'),
        ('DATA --out=', 2, '--out: is empty: is a variable of the shell not set?'),
        ('--resume RUN DATA', 2, 'DATASET: a resumed run keeps its own'),
        ('DATA --out RUN --width 33 --steps 1', 1, 'must be a multiple of 32, is 33; take 32'),
        ('DATA --out RUN --init MISSING', 1, 'no such run or policy file'),
        ('DATA --out RUN --cache none --device gpu', 1, "--device: 'gpu' is not available"),
        ('--resume RUN --config MISSING', 2, '--config: a resumed run keeps its own; only --'),
    ],
)
def test_a_wrong_choice_gets_one_line(dataset, tmp_path, capsys, words, status, says):
    places = {'DATA': dataset, 'RUN': tmp_path / 'run', 'MISSING': tmp_path / 'missing.yaml'}
    try:
        code = main(['train', *(str(places.get(word, word)) for word in words.split())])
    except SystemExit as ended:
        code = ended.code
    assert code == status
    assert says in capsys.readouterr().err.splitlines()[-1]
    # What never began does not stand in the way of the next attempt.
    assert not (tmp_path / 'run').exists()


def test_a_policy_for_which_the_memory_is_not_enough_is_refused_in_one_line(dataset, tmp_path):
    run = Run(tmp_path / 'run')
    with pytest.raises(TrainingError, match='the memory is not enough; lower --batch'):
        train(Config(dataset=str(dataset), observation_steps=10**8, horizon=1, steps=1), run)
    assert not run.path.exists()


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ('{"learning_rate": 1e-3}', 'or of another version of neuracore_ros than this'),
        ('{"dataset": "data", "batch"', 'It is damaged'),
        ('{"batch": 3}', "config.json: lacks 'dataset'"),
    ],
)
def test_a_run_of_another_version_is_told_so_and_that_its_policy_runs(tmp_path, text, says):
    (tmp_path / 'config.json').write_text(text)
    with pytest.raises(TrainingError) as refused:
        Run(tmp_path).config()
    assert says in str(refused.value)


def test_what_an_older_version_did_not_write_has_its_default(tmp_path):
    (tmp_path / 'config.json').write_text('{"dataset": "data", "seed": 3}')
    # But for the numbers inside, which its weights need as they were.
    assert Run(tmp_path).config() == Config(dataset='data', seed=3, number_format=1)


@pytest.mark.parametrize('value', [r'"o\0x"', r'"\ud800"', r'"\e[2J"', r'[a, "\0"]'])
def test_a_configuration_has_no_path_that_cannot_be_printed(tmp_path, capsys, value):
    file = tmp_path / 'c.yaml'
    file.write_text(f'dataset: d\nout: {value}\n')
    assert main(['train', '--config', str(file)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert 'c.yaml:2: the value' in line and 'has a character that cannot be printed' in line

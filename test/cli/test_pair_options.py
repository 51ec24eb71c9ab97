"""Wrong pair labels on a command line: two lines, status 2, and nothing is written."""

import pytest

from neuracore_ros.cli.main import main


@pytest.mark.parametrize(
    ('labels', 'says'),
    [
        ([''], 'a pair label is empty: give a word or a number'),
        (['9-0'], "'9-0' counts backwards: write 0-9"),
        (['0-4', '3'], "pair label '3' is given twice"),
        (['0-9999999'], 'more than 100000 pair labels'),
        (['a\nb'], "'a\\nb' is no pair label: it has characters that cannot be printed"),
    ],
)
def test_labels_of_record_that_are_none(capsys, tmp_path, labels, says):
    with pytest.raises(SystemExit) as ended:
        main(['record', 'ur5', '--out', str(tmp_path / 'bags'), '--services', '--pair', *labels])
    usage, error = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2 and usage.startswith('usage: ')
    assert error.startswith('neuracore_ros record: error: --pair: ') and says in error
    assert not (tmp_path / 'bags').exists()

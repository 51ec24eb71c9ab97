"""Labels of paired episodes: which there are, what they mean, and what is left to record."""

import pytest

from neuracore_ros.pairs import (
    PairSeries,
    in_order,
    in_ranges,
    pair_label,
    pair_labels,
    pair_seed,
)


def test_labels_are_words_numbers_and_ranges_in_the_order_given():
    assert pair_labels(['8-10', 'red', '2']) == ('8', '9', '10', 'red', '2')
    assert len(pair_labels(['0-9999'])) == 10_000


def test_a_label_is_one_however_it_is_typed():
    assert pair_label('007') == pair_label(' 7 ') == '7' and pair_label('000') == '0'
    assert pair_label('cafe\u0301') == pair_label('caf\u00e9')
    assert pair_label('red cube, "left"') == 'red cube, "left"'
    assert pair_label('箱子 3') == '箱子 3' and pair_label('10-1') == '10-1'


@pytest.mark.parametrize(
    ('texts', 'words'),
    [
        ([''], 'a pair label is empty'),
        (['  '], 'a pair label is empty'),
        (['a\nb'], r"'a\nb' is no pair label: it has characters that cannot be printed"),
        (['7\n'], 'cannot be printed'),
        (['\x1b[2J'], 'cannot be printed'),
        (['a\udcff'], 'cannot be printed'),
        (['x' * 61], 'it has 61 characters, more than 60'),
        (['null'], "'null' is no pair label: YAML reads it as nothing"),
        (['~'], 'YAML reads it as nothing'),
        (['-5'], "'-5' is no pair label: it begins with a dash"),
        (['9-0'], "'9-0' counts backwards: write 0-9"),
        (['0-2', '2'], "pair label '2' is given twice"),
        (['7', '007'], "pair label '7' is given twice"),
        (['caf\u00e9', 'cafe\u0301'], 'is given twice'),
        (['10,000'], "'10,000' has commas: give pair labels with spaces: 10 000"),
        (['0-4,7'], 'give pair labels with spaces: 0-4 7'),
        (['0-99999', 'a'], "'a': more than 100000 pair labels"),
        (['0-999999999'], "'0-999999999': more than 100000 pair labels"),
        (['0-' + '9' * 5000], 'numbers of more than 12 digits'),
    ],
)
def test_what_is_no_label_is_told_in_one_line(texts, words):
    with pytest.raises(ValueError, match='.') as refused:
        pair_labels(texts)
    assert words in str(refused.value)


def test_many_labels_are_short_to_read():
    assert in_ranges(['0', '1', '2', '5', 'red', '7', '8']) == '0-2, 5, red, 7-8'
    assert in_ranges(map(str, range(0, 100, 2))) == '0, 2, 4, 6, 8, 10, 12, 14 and 42 more'
    assert in_ranges([]) == ''
    assert in_order(['red', '10', '9', 'blue']) == ['9', '10', 'blue', 'red']


def test_the_label_that_is_missing_first_is_next():
    series = PairSeries(['0', '1', '2', 'red'], recorded=['1', '7'])
    assert series.next == '0' and series.recorded == ['1']
    assert str(series) == 'next: pair 0 (1 of 4 recorded)'
    for label in ('0', '2'):
        assert series.next == label
        series.add(label)
    assert series.missing == ['red']
    series.add('red')
    assert series.next == '' and str(series) == 'all pairs are recorded (4 of 4 recorded)'


def test_a_label_is_a_seed_on_every_machine():
    assert pair_seed('7') == 7 and pair_seed(str(2**31 - 2)) == 2**31 - 2
    assert pair_seed('red') == 838_146_642
    assert 0 <= pair_seed('9' * 60) < 2**31 - 1 and pair_seed('red') != pair_seed('blue')

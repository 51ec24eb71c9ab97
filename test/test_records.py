"""Records are read in one way: what is wrong in a file is one line with file, key and value."""

import math

import pytest

from neuracore_ros.errors import DatasetError, PolicyError, UserError, quoted
from neuracore_ros.records import Record, RecordOrigin, parse_record

ORIGIN = RecordOrigin('a.json', DatasetError, 'make it again')


def refusal(text, take=lambda record: record):
    with pytest.raises(DatasetError) as refused:
        take(parse_record(text, ORIGIN))
    return str(refused.value)


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        (b'{"a": "\xe9"}', 'is not text in UTF-8 (byte 7)'),
        ('{"a": }', 'is not JSON: Expecting value, line 1 column 7'),
        ('', 'is not JSON: Expecting value, line 1 column 1'),
        ('[1, 2]', 'must be a JSON object, is [1, 2]'),
        ('{"a": 1, "b": 2, "a": 3}', 'the key "a" is given twice'),
        ('[' * 500 + ']' * 500, 'is nested too deeply'),
        ('[' * 100_000 + ']' * 100_000, 'is nested too deeply'),
        ('{"a":' * 200 + '1' + '}' * 200, 'is nested too deeply'),
    ],
)
def test_a_file_that_is_no_record_is_refused_in_one_line(text, says):
    assert refusal(text) == f'a.json: {says}; make it again'


@pytest.mark.parametrize(
    ('value', 'says'),
    [
        ('"fast"', 'a must be a number from 1 to 2, is "fast"'),
        ('true', 'a must be a number from 1 to 2, is true'),
        ('null', 'a must be a number from 1 to 2, is null'),
        ('NaN', 'a must be a number from 1 to 2, is nan'),
        ('1e999', 'a must be a number from 1 to 2, is inf'),
        ('5e-324', 'a must be a number from 1 to 2, is 5e-324'),
        (f'1{"0" * 399}', 'a must be a number from 1 to 2, is an integer of about 399 digits'),
        (f'1{"0" * 5000}', 'a must be a number from 1 to 2, is inf'),
        ('[1, "b", null]', 'a must be a number from 1 to 2, is [1, "b", null]'),
        ('[[1]]', 'a must be a number from 1 to 2, is a list of 1'),
        ('{"b": 1}', 'a must be a number from 1 to 2, is an object (b)'),
    ],
)
def test_a_wrong_number_is_told_with_its_key_and_value(value, says):
    text = f'{{"a": {value}}}'
    assert refusal(text, lambda record: record.number('a', 1, 2)) == (
        f'a.json: {says}; make it again'
    )


@pytest.mark.parametrize(
    ('take', 'says'),
    [
        (lambda record: record.integer('a', 0, 9), 'a must be an integer of at most 9, is 12'),
        (lambda record: record.integer('a', 20), 'a must be an integer of at least 20, is 12'),
        (lambda record: record.flag('a'), 'a must be true or false, is 12'),
        (lambda record: record.text('a'), 'a must be a text, is 12'),
        (lambda record: record.texts('a'), 'a must be a list of texts, is 12'),
        (lambda record: record.listed('a'), 'a must be a list, is 12'),
        (lambda record: record.record('a'), 'a: must be a JSON object, is 12'),
        (lambda record: record.counts('a'), 'a: must be a JSON object, is 12'),
        (lambda record: record.numbers('a', 2), 'a must be a list of 2 numbers, is 12'),
        (lambda record: record.sizes('a', 'hw', 9), 'a must be [h, w], integers from 1 to 9, is'),
        (lambda record: record.value('aa'), "lacks 'aa'; did you mean 'a'? It has: a"),
    ],
)
def test_every_way_to_take_a_value_checks_it(take, says):
    assert says in refusal('{"a": 12}', take)


def test_what_is_as_it_should_be_is_taken():
    record = parse_record(
        '\ufeff{"a": 1, "b": [1, null], "c": {"x": 2}, "d": [{"e": "f"}], "g": NaN}'.encode(),
        ORIGIN,
    )
    assert record.number('a') == 1.0 and record.count('a') == 1
    assert record.numbers('b', 2)[0] == 1.0 and math.isnan(record.numbers('b', 2)[1])
    assert record.counts('c') == {'x': 2} and record.counts('absent') == {}
    assert [each.text('e') for each in record.listed('d')] == ['f']
    assert record.measured('g') is None and record.measured('a') == 1.0


def test_keys_that_are_no_texts_make_no_record():
    with pytest.raises(PolicyError, match='must be a JSON object'):
        Record({1: 2}, RecordOrigin('checkpoint.pt', PolicyError))


@pytest.mark.parametrize('length', [100, 10**8])
def test_a_message_quotes_a_short_piece_of_a_value(length):
    assert len(quoted('s' * length)) <= 62
    assert len(quoted('\x1b' * length)) <= 62


def test_a_message_is_one_printable_line_of_bounded_length():
    text = str(UserError(f'a.yaml: {"x" * 10**7}\n\x1b[2J: write it otherwise'))
    assert len(text) < 1500 and text.isprintable()
    assert text.startswith('a.yaml: xxx') and text.endswith(': write it otherwise')

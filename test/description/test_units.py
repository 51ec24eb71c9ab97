"""The unit in which a driver is likely to report."""

import pytest

from neuracore_ros.description.units import far_outside, likely_unit_of_amounts, likely_units


@pytest.mark.parametrize(
    ('values', 'limits', 'slides', 'options'),
    [
        ((-60.0, 60.0), (-1.9, 1.9), False, 'scale: 0.0174533'),
        ((10.0, 66.0), (-0.35, 2.72), False, 'scale: 0.0174533'),
        ((100.0, 3900.0), (-3.1, 3.1), False, 'scale: 0.00153398, offset: -3.14159'),
        ((0.0, 1023.0), (-2.6, 2.6), False, 'scale: 0.00153398, offset: -3.14159'),
        ((-1024.0, 1024.0), (-1.9, 1.9), False, 'scale: 0.00153398'),
        ((-98.0, 95.0), (0.0, 1.2), False, 'scale: 0.006, offset: 0.6'),
        ((0.0, 400.0), (0.0, 0.42), True, 'scale: 0.001'),
        ((0.0, 42.0), (0.0, 0.042), False, 'scale: 0.001'),
    ],
)
def test_values_far_outside_have_the_unit_that_brings_them_inside(values, limits, slides, options):
    assert far_outside(values, limits, slides)
    assert likely_units(values, limits, slides)[0].options() == options


@pytest.mark.parametrize(
    ('values', 'limits', 'slides'),
    [
        ((-2.2, 2.2), (-1.9, 1.9), False),  # A little outside.
        ((-1.0, 1.0), (-0.05, 0.05), False),  # Narrow limits, guessed of a joint that rested.
        ((0.0, 0.5), (0.0, 0.042), True),
        ((-700.0, 700.0), (float('-inf'), float('inf')), False),
    ],
)
def test_values_that_may_be_in_rad_or_m_are_not_far_outside(values, limits, slides):
    assert not far_outside(values, limits, slides)


@pytest.mark.parametrize(
    ('values', 'limits', 'slides', 'names'),
    [
        ((-60.0, 60.0), (-1.9, 1.9), False, ['degrees', 'percent of its range, -100 to 100']),
        ((-60.0, 103.0), (-1.9, 1.9), False, ['degrees']),  # Percent end at 100.
        ((-98.0, 95.0), (0.0, 1.2), False, ['percent of its range, -100 to 100']),
        ((0.0, 1023.0), (-2.6, 2.6), False, ['servo ticks (4096 a turn)',
                                             'servo ticks (1024 in 300 degrees)']),
        ((1500.0, 2600.0), (-1.9, 1.9), False, ['servo ticks (4096 a turn)']),
        ((0.0, 30.0), (0.0, 0.4), True, ['millimetres', 'centimetres',
                                         'percent of its range, 0 to 100']),
        ((-700.0, 650.0), (-0.5, 0.5), True, ['millimetres']),
        ((-9000.0, 20000.0), (-1.9, 1.9), False, []),
    ],
)  # fmt: skip
def test_values_that_could_be_in_several_units_have_them_all(values, limits, slides, names):
    assert [unit.name for unit in likely_units(values, limits, slides)] == names


def test_the_ends_of_percent_are_the_limits_if_the_calibration_says_so():
    (_, percent) = likely_units((-60.0, 60.0), (-1.7, 1.2))
    assert percent.of_limits
    ends = [percent.scale * end + percent.offset for end in (-100.0, 100.0)]
    assert ends == pytest.approx([-1.7, 1.2])


@pytest.mark.parametrize(
    ('values', 'name'),
    [
        ((5.0, 97.0), 'percent'),
        ((0.0, 255.0), 'steps from 0 to 255'),
        ((0.0, 1000.0), 'thousandths'),
        ((-3.0, 97.0), 'percent'),
        ((-99.0, 100.0), 'percent, -100 to 100'),
    ],
)
def test_amounts_are_told_by_their_range(values, name):
    assert likely_unit_of_amounts(values).name == name


def test_a_source_that_turns_a_joint_around_goes_on_doing_so():
    unit = likely_units((-60.0, 60.0), (-1.9, 1.9))[0]
    assert unit.options(scale=-1.0, offset=0.5) == 'scale: -0.0174533, offset: 0.5'

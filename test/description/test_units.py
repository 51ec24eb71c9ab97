"""The unit in which a driver is likely to report."""

import pytest

from neuracore_ros.description.units import far_outside, likely_unit, likely_unit_of_amounts


@pytest.mark.parametrize(
    ('values', 'limits', 'slides', 'options'),
    [
        ((-60.0, 60.0), (-1.9, 1.9), False, 'scale: 0.0174533'),
        ((10.0, 66.0), (-0.35, 2.72), False, 'scale: 0.0174533'),
        ((100.0, 3900.0), (-3.1, 3.1), False, 'scale: 0.00153398, offset: -3.14159'),
        ((0.0, 400.0), (0.0, 0.42), True, 'scale: 0.001'),
        ((0.0, 42.0), (0.0, 0.042), False, 'scale: 0.001'),
    ],
)
def test_values_far_outside_have_the_unit_that_brings_them_inside(values, limits, slides, options):
    assert far_outside(values, limits, slides)
    assert likely_unit(values, limits, slides).options() == options


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
    ('values', 'name'),
    [
        ((5.0, 97.0), 'percent'),
        ((0.0, 255.0), 'steps from 0 to 255'),
        ((0.0, 1000.0), 'thousandths'),
    ],
)
def test_amounts_are_told_by_their_range(values, name):
    assert likely_unit_of_amounts(values).name == name


def test_a_source_that_turns_a_joint_around_goes_on_doing_so():
    unit = likely_unit((-60.0, 60.0), (-1.9, 1.9))
    assert unit.options(scale=-1.0, offset=0.5) == 'scale: -0.0174533, offset: 0.5'

"""Warnings beside their slot: without the place, so that input and output say it once."""

import pytest

pytest.importorskip('viser')

from neuracore_ros.viewer.slot_warnings import short_warning


@pytest.mark.parametrize(
    'place',
    [
        'input JOINT_POSITIONS',
        'output JOINT_TARGET_POSITIONS',
        'input JOINT_POSITIONS index 3',
        'JOINT_POSITIONS and JOINT_TARGET_POSITIONS index 3',
    ],
)
def test_the_place_and_the_lines_to_write_are_left_out(place):
    warning = f"{place}: 'elbow' sits at several indices: 3 (a), 4 (b). Give it one index"
    assert short_warning(warning) == "'elbow' sits at several indices: 3 (a), 4 (b)"


def test_the_file_stays():
    assert short_warning("/a/b.yaml: 'x' is measured: y") == "/a/b.yaml: 'x' is measured: y"

"""What is kept of replayed recordings: pictures of the worst, within a size."""

import numpy as np

from neuracore_ros.evaluation import recording_traces
from neuracore_ros.evaluation.recording_traces import RecordingTraces, worst_pictured
from neuracore_ros.report.episode_view import CameraSheet


def traces(error, size=10):
    sheet = CameraSheet('top', [0], 1, (1, 1), bytes(size), 'webp')
    nothing = np.zeros((0, 1), np.float32)
    return RecordingTraces('bag', error, 0, 0, 0, 0, 1.0, nothing, nothing, nothing, (), (sheet,))


def test_the_worst_keep_their_pictures_where_all_are_too_many(monkeypatch):
    monkeypatch.setattr(recording_traces, 'MOST_BYTES_OF_PICTURES', 25)
    kept = worst_pictured([traces(error) for error in (0.1, 0.4, float('nan'), 0.2)])
    # Nothing could be compared in the third.
    assert [bool(one.cameras) for one in kept] == [False, True, True, False]
    assert [one.error for one in kept][:2] == [0.1, 0.4]


def test_all_keep_them_where_they_fit():
    assert all(one.cameras for one in worst_pictured([traces(0.1), traces(0.2)]))
    assert worst_pictured([]) == []

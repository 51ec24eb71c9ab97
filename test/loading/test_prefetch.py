import threading
from itertools import islice

import pytest

from neuracore_ros.loading.batches import Prefetch


@pytest.mark.parametrize('threads', [1, 3])
def test_batches_come_in_the_order_of_their_steps(threads):
    with Prefetch(lambda step: step**2, first=3, threads=threads) as batches:
        assert list(islice(batches, 5)) == [9, 16, 25, 36, 49]


def test_the_next_batch_is_made_while_one_is_used():
    made = [threading.Event() for _ in range(4)]
    with Prefetch(lambda step: made[step].set() if step < 4 else None, threads=1) as batches:
        next(batches)
        # Without being asked for.
        assert made[1].wait(timeout=60)


def test_no_more_is_made_than_is_kept_ahead():
    made: list[int] = []
    with Prefetch(made.append) as batches:
        next(batches)
    assert set(made) <= {0, 1, 2}


def test_what_goes_wrong_is_told_at_its_own_step():
    def make(step):
        if step == 2:
            raise ValueError(f'step {step} cannot be read')
        return step

    with Prefetch(make, threads=2) as batches:
        assert [next(batches), next(batches)] == [0, 1]
        with pytest.raises(ValueError, match='step 2 cannot be read'):
            next(batches)

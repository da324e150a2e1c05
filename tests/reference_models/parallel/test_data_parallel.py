"""Shards: nothing lost, order kept, errors raised, BLAS held to one thread and let go again."""

import threading

import numpy as np
import pytest
import threadpoolctl
from hypothesis import given
from hypothesis import strategies as st

from reference_models.parallel import data_parallel


@given(st.integers(0, 200), st.integers(1, 20))
def test_every_row_is_in_one_shard_and_shards_are_alike(batch, shards):
    slices = data_parallel.split(batch, shards)
    assert [row for rows in slices for row in range(batch)[rows]] == list(range(batch))
    lengths = [len(range(batch)[rows]) for rows in slices]
    assert len(slices) == max(1, min(batch, shards))
    assert max(lengths) - min(lengths) <= 1
    assert min(lengths) > 0 or batch == 0


@pytest.mark.parametrize("shards", [0, -1])
def test_no_shards_at_all_are_refused(shards):
    with pytest.raises(ValueError, match="shards must be at least 1"):
        data_parallel.split(4, shards)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_results_come_in_the_order_of_the_shards_whoever_is_done_first(count):
    later = threading.Event()

    def work(number):
        if number == 0 and count > 1:
            later.wait(0.2)  # the first one is the last to be done, where there are cores for it
        else:
            later.set()
        return number

    assert data_parallel.run(work, range(count)) == list(range(count))


@pytest.mark.parametrize("count", [1, 3])
def test_blas_has_one_thread_inside_and_its_own_number_outside(count):
    def blas_threads():
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]

    data_parallel._libraries.cache_clear()  # other tests may have loaded further libraries since
    with threadpoolctl.threadpool_limits(2, "blas"):
        before = blas_threads()
        inside = data_parallel.run(lambda _: blas_threads(), range(count))
        assert all(number == 1 for numbers in inside for number in numbers)
        assert blas_threads() == before


@pytest.mark.parametrize("count", [1, 3])
def test_an_error_in_a_shard_is_raised(count):
    def work(number):
        if number == count - 1:
            raise ValueError("in the last shard")

    with pytest.raises(ValueError, match="in the last shard"):
        data_parallel.run(work, range(count))


def test_gradients_are_added_in_order_into_the_first():
    numbers = np.array([1e8, 1.0, -1e8, 1.0], np.float32)  # in float32 their sum depends on the order
    gradients = [{"w": np.full(3, number, np.float32)} for number in numbers]
    first = gradients[0]["w"]
    total = data_parallel.add(gradients)
    assert total["w"] is first
    assert total["w"].tolist() == [((numbers[0] + numbers[1]) + numbers[2]) + numbers[3]] * 3
    assert gradients[1]["w"].tolist() == [1, 1, 1]

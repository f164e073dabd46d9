import collections
import gc
import os

import numpy as np
import pytest

from nereid_worker.shared_tensors import open_shared_tensors
from nereid_worker.tensor import Tensor
from nereid_worker.tensor_wire import TensorReader, describe, places_of

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="Linux only")

_SIZE = 1 << 30


@pytest.fixture
def server():
    """The descriptor that the server keeps."""
    descriptor = os.memfd_create("test")
    os.ftruncate(descriptor, _SIZE)
    yield descriptor
    os.close(descriptor)


def opened(server):
    return open_shared_tensors(f"{os.dup(server)} {_SIZE}")


def test_what_the_server_writes_is_there_and_freed_when_nothing_uses_it(server):
    shared = opened(server)
    os.pwrite(server, b"abc" * 30_000, 4096)
    array = shared.at(4096, 90_000)
    assert bytes(array[:6]) == b"abcabc"
    view = array[3:6].view()
    del array
    gc.collect()
    assert shared.take_freed() == []
    assert bytes(view) == b"abc"
    del view
    gc.collect()
    assert shared.take_freed() == [4096]


def test_what_another_thread_has_taken_is_not_missed(server):
    class Emptied(collections.deque):
        """By another thread, between a look and a grasp."""

        def __bool__(self):
            return True

        def __len__(self):
            return 1

    shared = opened(server)
    shared.freed = Emptied()
    assert shared.take_freed() == []


def test_answers_are_written_where_they_were_granted(server):
    shared = opened(server)
    shared.write(8192, [b"one", b"two"])
    assert os.pread(server, 6, 8192) == b"onetwo"


def test_outputs_that_are_parts_of_inputs_are_described_by_their_place(server):
    shared = opened(server)
    heads = [["X", "INT32", [40_000], 160_000, 8192], ["Z", "INT32", [4], 16]]
    x, z = TensorReader(np.zeros(64, dtype=np.uint8), shared).take(heads)
    part = x.as_numpy()[100:30_100]
    other = shared.at(8192 + 160_000, 100_000)
    tensors = [Tensor("P", part), x, Tensor("Small", part[:4]), Tensor("O", other), z]
    arrays = []
    described = describe(tensors, arrays, shared, places_of(heads))
    assert described == [
        ["P", "INT32", [30_000], 120_000, 8192 + 400],
        ["X", "INT32", [40_000], 160_000, 8192],
        ["Small", "INT32", [4], 16],
        ["O", "UINT8", [100_000], 100_000],
        ["Z", "INT32", [4], 16],
    ]
    assert [array.nbytes for array in arrays] == [16, 100_000, 16]


def test_without_such_memory_there_is_none():
    assert open_shared_tensors("") is None
    descriptor = os.memfd_create("small")
    assert open_shared_tensors(f"{descriptor} {_SIZE}") is None
    with pytest.raises(OSError):
        os.fstat(descriptor)

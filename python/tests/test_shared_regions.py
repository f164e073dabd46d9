import gc
import os

import numpy as np
import pytest

from nereid_worker import shared_regions
from nereid_worker.shared_regions import SharedRegions

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="Linux only")


def test_what_the_server_writes_is_mapped_and_freed_when_nothing_uses_it():
    regions = SharedRegions()
    server = os.open(regions.paths()[0], os.O_RDWR)
    os.pwrite(server, b"abc" * 30_000, 4096)
    array = regions.map(4096, 90_000)
    assert bytes(array[:6]) == b"abcabc"
    view = array[3:6].view()
    del array
    gc.collect()
    assert regions.take_freed() == []
    assert bytes(view) == b"abc"
    del view
    gc.collect()
    assert regions.take_freed() == [4096]
    os.pwrite(server, b"z" * 10, 50_000_000)
    assert bytes(regions.map(50_000_000 - 50_000_000 % 4096, 100)) is not None
    os.close(server)


def test_what_is_written_can_be_read_until_it_is_freed():
    regions = SharedRegions()
    server = os.open(regions.paths()[1], os.O_RDONLY)
    pieces = [memoryview(np.full(5_000_000, n, dtype=np.uint8)) for n in range(3)]
    offsets = [regions.write([piece], len(piece)) for piece in pieces]
    assert len(set(offsets)) == 3
    for n, offset in enumerate(offsets):
        assert os.pread(server, 5_000_000, offset) == bytes([n]) * 5_000_000
    regions.free(offsets[1])
    assert regions.write([b"x" * 70_000], 70_000) == offsets[1]
    os.close(server)


def test_a_full_region_says_so(monkeypatch):
    monkeypatch.setattr(shared_regions, "_REGION_BYTES_MAX", 8192)
    regions = SharedRegions()
    assert regions.write([b"x" * 8192], 8192) == 0
    assert regions.write([b"x"], 1) is None
    regions.free(0)
    assert regions.write([b"x"], 1) == 0

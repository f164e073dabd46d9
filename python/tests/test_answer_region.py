import os

import numpy as np
import pytest

from nereid_worker import answer_region
from nereid_worker.answer_region import AnswerRegion

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="Linux only")


def test_what_is_written_can_be_read_until_it_is_freed():
    region = AnswerRegion()
    server = os.open(region.path(), os.O_RDONLY)
    pieces = [memoryview(np.full(5_000_000, n, dtype=np.uint8)) for n in range(3)]
    offsets = [region.write([piece], len(piece)) for piece in pieces]
    assert len(set(offsets)) == 3
    for n, offset in enumerate(offsets):
        assert os.pread(server, 5_000_000, offset) == bytes([n]) * 5_000_000
    region.free(offsets[1])
    assert region.write([b"x" * 70_000], 70_000) == offsets[1]
    os.close(server)


def test_a_full_region_says_so(monkeypatch):
    monkeypatch.setattr(answer_region, "_REGION_BYTES_MAX", 8192)
    region = AnswerRegion()
    assert region.write([b"x" * 8192], 8192) == 0
    assert region.write([b"x"], 1) is None
    region.free(0)
    assert region.write([b"x"], 1) == 0

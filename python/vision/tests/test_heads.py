from __future__ import annotations

import random

import numpy as np
import pytest
from nereid_vision import UnsupportedModelError
from nereid_vision.heads import HeadOptions, candidates_of, non_maximum_suppression

#: Two of one object, one of another class at its place, one too weak, four empty ones.
ANCHORS = np.zeros((8, 6), np.float32)
ANCHORS[:4] = [
    [50, 50, 20, 20, 0.75, 0],
    [51, 50, 20, 20, 0.875, 0],
    [50, 50, 20, 20, 0, 0.5],
    [10, 10, 10, 20, 0.25, 0],
]
FOUND = [[41, 40, 61, 60, 0.875, 0], [40, 40, 60, 60, 0.5, 1]]
OPTIONS = HeadOptions(iou_threshold=0.5)


def test_reads_finished_detections_of_a_batch() -> None:
    rows = [
        [10, 20, 30, 40, 0.625, 2],
        [11, 21, 31, 41, 0.875, 1],
        [0, 0, 0, 0, 0, 0],
        [1, 2, 3, 4, 0.5, 7],
        [1, 2, 3, 4, float("nan"), 7],
        [1, 2, 3, 4, 0.49, 7],
    ]
    output = np.array(rows, np.float32).reshape(2, 3, 6)
    first, second = candidates_of(output, 0.5, OPTIONS)
    assert first[:, 4:].tolist() == [[0.875, 1], [0.625, 2]]
    assert second.tolist() == [[1, 2, 3, 4, 0.5, 7]]
    assert [len(each) for each in candidates_of(output[:, :1], 0, HeadOptions(count_max=0))] == [0, 0]


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_chooses_among_the_anchors_of_a_raw_head(dtype: type) -> None:
    (found,) = candidates_of(ANCHORS.T[np.newaxis].astype(dtype), 0.3, OPTIONS)
    assert found.tolist() == FOUND


def test_reads_a_raw_head_whose_anchors_come_first() -> None:
    wide = np.zeros((1, 16, 7), np.float32)
    wide[0, :8, :6] = ANCHORS
    (found,) = candidates_of(wide, 0.3, OPTIONS)
    assert found.tolist() == FOUND
    (told,) = candidates_of(ANCHORS, 0.3, HeadOptions("raw", 0.5))
    assert told.tolist() == FOUND


@pytest.mark.parametrize("shape", [(10,), (1, 2, 3, 4), (1, 4, 100), (1, 0, 6)])
def test_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnsupportedModelError):
        candidates_of(np.zeros(shape, np.float32), 0.5, OPTIONS)


def overlap(a: list[float], b: list[float]) -> float:
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    common = max(0, across) * max(0, down)
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return common / (areas - common)


def test_keeps_what_does_not_overlap_and_drops_only_what_a_surer_one_covers() -> None:
    chance = random.Random(5)
    for _ in range(200):
        threshold = chance.random()
        rows = []
        for _ in range(chance.randint(0, 30)):
            x, y = chance.randint(0, 60), chance.randint(0, 60)
            width, height = chance.randint(1, 40), chance.randint(1, 40)
            rows.append([x, y, x + width, y + height, chance.random(), chance.randint(0, 2)])
        rows.sort(key=lambda row: -row[4])
        kept = non_maximum_suppression(
            np.array(rows, np.float64).reshape(-1, 6), HeadOptions(iou_threshold=threshold)
        ).tolist()
        covers = lambda a, b: a[5] == b[5] and overlap(a, b) > threshold  # noqa: E731
        for i, one in enumerate(kept):
            assert not any(covers(one, other) for other in kept[i + 1 :])
        for dropped in (row for row in rows if row not in kept):
            assert any(covers(one, dropped) and one[4] >= dropped[4] for one in kept)

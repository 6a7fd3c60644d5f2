"""The columnar search beside the obvious one, which encodes every window there is."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from detector.core.encoder import Encoder
from detector.core.features import WINDOW, deviations
from detector.history.search import LEAST_SIZE, Day, Search, SearchQuery, nearest_matches, search_query
from tests.service.network import (
    CATALOGUE,
    CELLS,
    FAULTY,
    MEAN,
    SPEC,
    SPREAD,
    T0,
    Trouble,
    build_bundle,
    label,
    spreads,
)

TROUBLES = (Trouble(FAULTY, "drops", 70, 100), Trouble("cell-4", "drops", 140, 170), Trouble("cell-5", "power", 20, 60))
MINUTES, MIDNIGHT = 240, 150


def reported() -> np.ndarray:
    """# [cells, minutes, F]"""
    told = [[MEAN + SPREAD * spreads(cell, minute, TROUBLES) for minute in range(MINUTES)] for cell in CELLS]
    return np.array(told, np.float32)


def day(values: np.ndarray, begin: int, end: int) -> Day:
    """What all cells reported from one minute to another, minute by minute."""
    minute = np.repeat(np.arange(begin, end), len(CELLS))
    place = np.tile(np.arange(len(CELLS)), end - begin)
    return Day(CELLS, place, T0 + minute, values[place, minute])


@pytest.fixture(scope="module")
def bundle():
    return build_bundle()


@pytest.fixture(scope="module")
def encode(bundle):
    return Encoder(SPEC, bundle.weights)


@pytest.fixture(scope="module")
def sought(bundle, encode) -> SearchQuery:
    return search_query(label("sought", "drops"), T0 - 9970, T0 - 9910, bundle, encode)


def test_it_finds_what_encoding_every_window_finds(bundle, encode, sought):
    values = reported()
    search = Search(bundle, encode, sought, 0.75)
    parts = [(0, 25), (25, MIDNIGHT), (MIDNIGHT, MINUTES)]
    with ThreadPoolExecutor(2) as pool:
        found = [one for part in parts for one in search.matches(day(values, *part), pool)]

    # when every fifth window of every cell is encoded, those that span midnight among them
    expected = {}
    for place, cell in enumerate(CELLS):
        usual = bundle.baseline.coefficients(bundle.baseline.rows([cell]))
        minute = T0 + np.arange(MINUTES)
        codes = deviations(values[place], minute, np.repeat(usual, MINUTES, axis=0), CATALOGUE.logarithmic)
        for end in range(WINDOW, MINUTES + 1):
            if (T0 + end) % 5 == 0:
                one = encode(codes[None, end - WINDOW : end])
                cosine = float(one.direction[0].astype(np.float32) @ sought.exemplar.direction.astype(np.float32))
                expected[cell, T0 + end - 1] = float(one.size[0]), 1 - cosine
    assert search.windows == len(expected)

    # then nothing else is found, each with the distance and size that the encoder says
    for one in found:
        size, distance = expected[one.cell, one.minute]
        assert (one.size, one.distance) == (pytest.approx(size, abs=0.01), pytest.approx(distance, abs=1e-3))
    near = {
        key for key, (size, distance) in expected.items() if distance < 0.3 and size > 1.1 * LEAST_SIZE * sought.size
    }
    assert near
    assert near <= {(one.cell, one.minute) for one in found}


def test_an_episode_is_told_once_and_the_one_asked_about_not_at_all(bundle, encode, sought):
    search = Search(bundle, encode, sought, 0.75)
    with ThreadPoolExecutor(2) as pool:
        found = list(search.matches(day(reported(), 0, MINUTES), pool))
    first, second, *others = nearest_matches(found, sought)
    assert {first.cell, second.cell} == {FAULTY, "cell-4"}
    assert not [one for one in others if one.distance < 0.5]


def test_a_cell_without_a_minute_for_hours_begins_anew(bundle, encode, sought):
    values = reported()
    search = Search(bundle, encode, sought, 0.75)
    with ThreadPoolExecutor(2) as pool:
        list(search.matches(day(values, 0, 70), pool))
        later = day(values, 70, MINUTES)
        moved = Day(later.names, later.cell, later.minute + 100_000, later.values)
        found = list(search.matches(moved, pool))
    assert min(one.minute for one in found) >= T0 + 100_000 + 70 + 44

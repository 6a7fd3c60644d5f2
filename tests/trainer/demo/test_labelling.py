"""From an episode in a history to an exemplar in any bundle of the same catalogue."""

from dataclasses import replace

import numpy as np
import pytest

from detector.core.encoder import Encoder
from detector.core.features import Baseline, Catalogue
from detector.errors import LabelError
from detector.labels.embedding import embed_label, label_windows
from detector.labels.label import Label, read_label, write_label
from tests.trainer.fixtures import SPEC
from tests.weights import random_weights
from trainer.data.baselines import fit_baseline
from trainer.data.examples import cut_windows
from trainer.data.history import SimulatedHistory
from trainer.demo.labelling import label_episode
from trainer.simulator import FAULTS, FaultEpisode, Network

CELL = 4


@pytest.fixture(scope="module")
def befallen(town: SimulatedHistory) -> SimulatedHistory:
    """The town, with backhaul loss in one cell on Wednesday from noon to three."""
    noon = town.span[0] + 2 * 1440 + 12 * 60
    return replace(town, episodes=(FaultEpisode(CELL, FAULTS["backhaul_loss"], noon, noon + 180, 0.9, seed=1),))


def label_of(history: SimulatedHistory, baseline: Baseline, minutes: int = 180, begin: int | None = None) -> Label:
    episode = history.episodes[0]
    first = episode.begin if begin is None else begin
    return label_episode(
        history,
        baseline,
        name="backhaul_loss",
        kind="fault",
        cell=history.cells[CELL],
        begin=first,
        end=first + minutes,
    )


@pytest.mark.parametrize("minutes", [1, 12, 30, 31, 60, 119, 180])
def test_the_windows_of_a_label_are_those_of_its_episode_latest_first(
    befallen: SimulatedHistory, usual: Baseline, minutes: int
) -> None:
    begin = befallen.episodes[0].begin
    last = begin + min(minutes, 120) - 1

    windows = label_windows(label_of(befallen, usual, minutes), befallen.catalogue)

    ends = np.arange(last, begin + min(minutes, 30) - 2, -5)
    np.testing.assert_array_equal(windows, cut_windows(befallen, usual, np.full(len(ends), CELL), ends))


def test_a_label_survives_the_topic(befallen: SimulatedHistory, usual: Baseline) -> None:
    label = label_of(befallen, usual)

    assert read_label(write_label(label)) == label


def test_the_same_episode_taught_again_replaces_its_label(befallen: SimulatedHistory, usual: Baseline) -> None:
    begin = befallen.episodes[0].begin

    assert label_of(befallen, usual, 60).id == label_of(befallen, usual, 90).id
    assert label_of(befallen, usual, 60).id != label_of(befallen, usual, 60, begin + 1).id


def test_a_cell_that_is_not_in_the_history_cannot_be_labelled(befallen: SimulatedHistory, usual: Baseline) -> None:
    begin = befallen.episodes[0].begin

    with pytest.raises(LabelError, match=r"^cell 'nowhere' is not in the history; "):
        label_episode(befallen, usual, name="backhaul_loss", kind="fault", cell="nowhere", begin=begin, end=begin + 60)


@pytest.mark.parametrize(
    ("begin", "end"),
    [(-100, -10), (-5, 60), (0, 60), (29, 90), (7 * 1440, 7 * 1440 + 60), (8 * 1440, 9 * 1440), (500, 500), (500, 400)],
)
def test_an_episode_outside_the_history_cannot_be_labelled(
    befallen: SimulatedHistory, usual: Baseline, begin: int, end: int
) -> None:
    first = befallen.span[0]

    with pytest.raises(LabelError, match=f"from minute {first + begin} to {first + end} lies outside the history"):
        label_of(befallen, usual, end - begin, first + begin)


def test_an_episode_that_outlasts_the_history_is_labelled_as_far_as_it_goes(
    befallen: SimulatedHistory, usual: Baseline
) -> None:
    end = befallen.span[1]

    label = label_of(befallen, usual, 300, end - 40)

    assert label.minute + len(label.values) // (4 * len(befallen.catalogue)) == end
    assert len(label_windows(label, befallen.catalogue)) == 3


def test_an_exemplar_is_the_unit_mean_of_the_windows_of_its_label(
    befallen: SimulatedHistory, usual: Baseline, encode: Encoder
) -> None:
    label = label_of(befallen, usual)
    total, shifts = np.zeros(SPEC.dimension), []
    for window in label_windows(label, befallen.catalogue):
        total += encode(window[None]).direction[0].astype(float)
        shifts.append(encode(window[None]).shift[0].astype(float))

    exemplar = embed_label(label, befallen.catalogue, encode)

    np.testing.assert_allclose(exemplar.direction.astype(float), total / np.linalg.norm(total), atol=2e-3)
    np.testing.assert_allclose(exemplar.shift.astype(float), np.mean(shifts, axis=0), rtol=2e-3, atol=2e-3)
    assert (exemplar.name, exemplar.kind, exemplar.cell) == ("backhaul_loss", "fault", befallen.cells[CELL])


def test_a_label_taught_in_one_network_speaks_for_itself_in_another(
    befallen: SimulatedHistory, usual: Baseline, encode: Encoder
) -> None:
    """It brings its own baseline: the other network need not know the cell, and may have another encoder."""
    abroad = SimulatedHistory(Network(6, seed=8), (befallen.span[0], befallen.span[0] + 2880))
    elsewhere = Encoder(SPEC, random_weights(SPEC, seed=4))
    label = label_of(befallen, usual)
    begin, cell = abroad.span[0] + 600, abroad.cells[0]
    foreign = label_episode(
        abroad, fit_baseline(abroad), name="calm", kind="normal", cell=cell, begin=begin, end=begin + 100
    )

    here, there = (embed_label(label, abroad.catalogue, one).direction for one in (encode, elsewhere))

    assert here.shape == there.shape == (SPEC.dimension,)
    assert np.linalg.norm(there.astype(float)) == pytest.approx(1, abs=2e-3)
    assert (here != there).any()
    assert embed_label(foreign, befallen.catalogue, encode).cell == cell


def test_a_label_of_another_catalogue_is_refused(befallen: SimulatedHistory, usual: Baseline, encode: Encoder) -> None:
    label = label_of(befallen, usual)
    features = befallen.catalogue.features
    shuffled = Catalogue((features[1], features[0], *features[2:]))

    with pytest.raises(LabelError, match=f"was taught on another catalogue .*{label.catalogue}.*{shuffled.digest}"):
        embed_label(label, shuffled, encode)

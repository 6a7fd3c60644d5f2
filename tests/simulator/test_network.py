import numpy as np
import pytest

from trainer.simulator import OPERATOR_B, Network, catalogue


def test_the_catalogue_has_130_features_under_names_of_their_own():
    features = catalogue().features
    assert len(features) == 130
    assert len(set(catalogue().names)) == 130
    kinds = [feature.kind for feature in features]
    assert kinds.count("counter") == 87
    assert set(kinds) == {"counter", "gauge", "ratio"}
    assert all(feature.kind == "ratio" for feature in features if feature.unit == "%")
    assert all(feature.transform == "log1p" for feature in features if feature.kind == "counter")
    assert all(feature.low < feature.high for feature in features)


def test_names_sort_like_the_cells():
    network = Network(40, seed=1)
    assert network.names[38] == "A00012-3"
    assert sorted(network.names) == network.names
    assert Network(3, seed=1, operator=OPERATOR_B).names[0] == "B00000-1"


def test_the_same_seed_builds_the_same_network_and_another_seed_another():
    first, same, other = (Network(60, seed).statics.busy_attempts for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).all()


def test_a_larger_network_has_the_same_first_cells():
    np.testing.assert_array_equal(Network(60, 1).statics.sinr_db, Network(600, 1).statics.sinr_db[:60])


def test_neighbours_are_the_other_sectors_of_the_site_and_then_those_around():
    network = Network(300, seed=1)
    around = network.neighbours(152)
    assert set(around[:2]) == {150, 151}
    assert len(around) == len(set(around)) == 10
    assert 152 not in around
    sites = around[2:] // 3
    assert np.abs(sites % 10 - 50 % 10).max() <= 1
    assert np.abs(sites // 10 - 50 // 10).max() <= 1


def test_a_cell_at_the_rim_of_a_tiny_network_has_the_neighbours_there_are():
    assert set(Network(5, seed=1).neighbours(4)) == {0, 1, 2, 3}
    assert Network(1, seed=1).neighbours(0).size == 0


def test_a_network_without_cells_is_refused():
    with pytest.raises(
        ValueError, match=r"^a network has 0 cells; allowed 1 to 300000\. Simulate several networks for more\.$"
    ):
        Network(0, seed=1)

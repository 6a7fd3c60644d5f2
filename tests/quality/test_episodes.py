"""What `make quality` asks about is asked fairly: no episode lies in another's."""

import numpy as np
import pytest

from tests.quality.episodes import AFTER, BEFORE, CELLS, EACH, WEEK, draw_slots
from trainer.data.history import START_MINUTE, SimulatedHistory
from trainer.simulator import FAULTS, OPERATOR_A, OPERATOR_B, Network

SPAN = (START_MINUTE, START_MINUTE + WEEK)


@pytest.mark.parametrize("name", ["sync_loss_tdd", "dns_failure", "energy_saving"])
@pytest.mark.parametrize("operator", [OPERATOR_A, OPERATOR_B])
def test_no_two_episodes_meet_however_few_cells_can_have_them(name, operator):
    past = SimulatedHistory(Network(CELLS, 90_001, operator), SPAN, whole=True)

    cell, begin = draw_slots(past, FAULTS[name], np.random.default_rng(1))

    assert len(cell) == len(begin) == EACH
    assert (begin >= SPAN[1]).all()
    assert past.network.statics.tdd[cell].all() or not FAULTS[name].tdd_only
    for one in np.unique(cell):
        mine = np.sort(begin[cell == one])
        assert (np.diff(mine) >= BEFORE + AFTER).all()


def test_where_there_are_enough_cells_each_is_used_once_in_the_first_week():
    past = SimulatedHistory(Network(CELLS, 90_001, OPERATOR_A), SPAN, whole=True)

    cell, begin = draw_slots(past, FAULTS["dns_failure"], np.random.default_rng(1))

    assert len(set(cell.tolist())) == EACH
    assert (begin < SPAN[1] + WEEK).all()

"""Minutes as records: what the detector decodes is what the network reported."""

import msgspec
import numpy as np

from detector.core.ingest.decoder import Decoder
from detector.core.ingest.samples import Records
from trainer.data.history import SimulatedHistory
from trainer.simulation.record_encoder import minute_records


def test_what_the_detector_decodes_is_what_was_reported_rounded_to_four_digits(town: SimulatedHistory) -> None:
    minute = town.span[0] + 3 * 60
    cells = np.arange(len(town.cells))
    values = town.read(cells, np.full(len(cells), minute))
    values[0, 3], values[1, 2] = np.nan, -0.0

    told = list(minute_records(town.cells, minute, values, town.catalogue.names))

    keys, bodies, times = zip(*told, strict=True)
    records = Records(0, np.arange(len(told)), list(keys), list(bodies))
    samples, rejections = Decoder(town.catalogue, 65_536).decode(records)
    assert not rejections
    assert samples.cells == list(town.cells)
    assert set(samples.minute.tolist()) == {minute}
    assert set(times) == {minute * 60_000}
    np.testing.assert_array_equal(np.isnan(samples.values), np.isnan(values))
    np.testing.assert_allclose(samples.values, values, rtol=1e-6, atol=5.1e-5)


def test_another_minute_of_the_same_features_makes_no_further_class() -> None:
    def told(*names: str) -> list[tuple[bytes, bytes, int]]:
        return list(minute_records(["a"], 29_000_000, np.ones((1, 2), np.float32), names))

    first, kinds = told("users", "drops"), len(msgspec.Struct.__subclasses__())

    assert told("users", "drops") == first
    assert len(msgspec.Struct.__subclasses__()) == kinds
    assert told("drops", "users") != first

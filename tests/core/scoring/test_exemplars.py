"""What is nearest is found exactly, per class, in any company alike; what FAISS says of nothing stays inside."""

from dataclasses import replace

import numpy as np
import pytest

from detector.core.encoder import Embeddings
from detector.core.scoring.exemplars import FAR, MAX_REPRESENTATIVES, NEIGHBOURS, Exemplar, ExemplarIndex
from tests import naive
from tests.builders import embedded, exemplar, ordinary_life, scatter, unit

DIMENSION = 8
CENTRES = {"alpha": 1, "beta": 2, "gamma": 3}


def crowded_library(rng: np.random.Generator, each: int = 7) -> ExemplarIndex:
    exemplars = [
        Exemplar(f"{name}-{k}", name, "fault", direction, rng.normal(0, 9, DIMENSION).astype(np.float16), "cell", k)
        for name, axis in CENTRES.items()
        for k, direction in enumerate(scatter(rng, unit(*np.eye(DIMENSION)[axis]), each, spread=0.3))
    ]
    exemplars += [exemplar("reboot", unit(*np.eye(DIMENSION)[4]), "ignore")]
    exemplars += [exemplar("calm", unit(*np.eye(DIMENSION)[5]), "normal")]
    return ExemplarIndex([exemplars[k] for k in rng.permutation(len(exemplars))], ordinary_life(rng, 10, 5, DIMENSION))


def directions(rng: np.random.Generator, count: int) -> np.ndarray:
    drawn = rng.normal(size=(count, DIMENSION))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float16)


def queries(rng: np.random.Generator, count: int) -> Embeddings:
    """That lie as far from normal as it comes, and elsewhere than they point."""
    told = embedded(directions(rng, count), np.ones(count))
    return replace(told, shift=rng.normal(0, 5, (count, DIMENSION)).astype(np.float16))


def test_the_nearest_of_each_class_is_exact() -> None:
    rng = np.random.default_rng(0)
    library = crowded_library(rng)
    asked = queries(rng, 50)
    matches = library.match(asked)
    for column, name in enumerate([*library.faults, *library.ignores]):
        places = [place for place, one in enumerate(library.exemplars) if one.name == name]
        members = np.stack([library.exemplars[place].direction for place in places])
        for at, query in enumerate(asked.direction):
            which, cosine = naive.nearest_cosine(query, members)
            assert matches.nearest_exemplar[at, column] == places[which]
            assert matches.cosine[at, column] == pytest.approx(cosine, abs=6e-5)


def test_the_pull_of_a_class_is_exact_and_need_not_be_its_nearest_exemplars() -> None:
    rng = np.random.default_rng(10)
    library = crowded_library(rng)
    asked = queries(rng, 50)
    matches = library.match(asked)
    elsewhere = 0
    for column, name in enumerate([*library.faults, *library.ignores]):
        members = np.stack([one.shift for one in library.exemplars if one.name == name])
        for at, shift in enumerate(asked.shift):
            pull = naive.strongest_pull(shift, members)
            assert matches.shift_projection[at, column] == pytest.approx(pull, abs=1e-4 + 1e-6 * abs(pull))
            nearest_exemplar = library.exemplars[matches.nearest_exemplar[at, column]].shift
            elsewhere += naive.strongest_pull(shift, nearest_exemplar[None]) < pull - 0.1
    assert elsewhere > 50


def test_how_far_out_an_exemplar_lies_does_not_matter_to_its_pull_and_one_at_the_centre_has_none() -> None:
    normal = ordinary_life(np.random.default_rng(11), 10, 5, DIMENSION)
    near, far = (
        replace(exemplar("alpha", unit(*np.eye(DIMENSION)[1])), shift=np.eye(DIMENSION)[1].astype(np.float16) * out)
        for out in (1, 300)
    )
    nowhere = replace(near, shift=np.zeros(DIMENSION, np.float16))
    asked = queries(np.random.default_rng(12), 9)
    pulls = [ExemplarIndex([one], normal).match(asked).shift_projection for one in (near, far, nowhere)]
    np.testing.assert_allclose(pulls[0][:, 0], asked.shift[:, 1].astype(float), atol=1e-4)
    np.testing.assert_array_equal(pulls[0], pulls[1])
    assert (pulls[2] == 0).all()


def test_the_farthest_that_half_precision_holds_is_matched_in_numbers() -> None:
    most = float(np.finfo(np.float16).max)
    library = crowded_library(np.random.default_rng(13))
    spread = embedded(directions(np.random.default_rng(13), 2), np.ones(2))
    there = replace(spread, shift=np.array([[most] * DIMENSION, [-most] * DIMENSION], np.float16))
    pull = library.match(there).shift_projection
    assert np.isfinite(pull).all()
    assert ((pull >= -FAR) & (pull <= most * DIMENSION)).all()


def test_the_nearness_of_normal_is_the_mean_over_its_nearest_and_taught_normals_count() -> None:
    rng = np.random.default_rng(1)
    library = crowded_library(rng)
    calm = next(one.direction for one in library.exemplars if one.kind == "normal")
    bank = np.concatenate([library.normal.bank, calm[None]]).astype(np.float64)
    asked = queries(rng, 20)
    for query, normal in zip(asked.direction, library.match(asked).normal, strict=True):
        nearest_exemplar = np.sort(bank @ query.astype(np.float64))[-NEIGHBOURS:]
        assert normal == pytest.approx(nearest_exemplar.mean(), abs=6e-5)


def test_classes_are_named_in_order_and_normal_is_none_of_them() -> None:
    library = crowded_library(np.random.default_rng(2))
    assert (library.faults, library.ignores) == (["alpha", "beta", "gamma"], ["reboot"])


@pytest.mark.bitwise
def test_a_match_is_the_same_bits_in_any_batch_and_any_position() -> None:
    """FAISS takes another road from 20 queries on; here it must not."""
    rng = np.random.default_rng(3)
    library = crowded_library(rng)
    asked = queries(rng, 700)
    together = library.match(asked)
    for size in (1, 2, 19, 20, 21, 64, 333):
        for start in (0, 5, 300):
            part = library.match(asked[start : start + size])
            here = slice(start, start + size)
            assert np.array_equal(part.cosine, together.cosine[here])
            assert np.array_equal(part.normal, together.normal[here])
            assert np.array_equal(part.nearest_exemplar, together.nearest_exemplar[here])
            assert np.array_equal(part.shift_projection, together.shift_projection[here])


@pytest.mark.bitwise
def test_the_order_in_which_exemplars_were_taught_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    normal = ordinary_life(rng, 10, 5, DIMENSION)
    exemplars = [exemplar(f"class-{k}", direction) for k, direction in enumerate(directions(rng, 6))]
    asked = queries(rng, 30)
    forth, back = ExemplarIndex(exemplars, normal).match(asked), ExemplarIndex(exemplars[::-1], normal).match(asked)
    assert np.array_equal(forth.cosine, back.cosine)
    assert np.array_equal(forth.nearest_exemplar, back.nearest_exemplar)
    assert np.array_equal(forth.shift_projection, back.shift_projection)


def test_a_query_that_is_no_number_is_near_nothing() -> None:
    library = crowded_library(np.random.default_rng(5))
    nowhere = np.full((3, DIMENSION), np.nan, np.float16)
    matches = library.match(Embeddings(nowhere, nowhere[:, 0], nowhere))
    assert (matches.cosine == -1).all()
    assert (matches.normal == -1).all()
    assert (matches.shift_projection == -FAR).all()
    assert (matches.nearest_exemplar >= 0).all()


def test_a_query_that_is_no_number_harms_no_other() -> None:
    rng = np.random.default_rng(6)
    library, asked = crowded_library(rng), queries(rng, 10)
    spoilt = Embeddings(asked.direction.copy(), asked.size, asked.shift.copy())
    spoilt.direction[4] = spoilt.shift[4] = np.nan
    others = np.arange(10) != 4
    assert np.array_equal(library.match(spoilt).cosine[others], library.match(asked).cosine[others])
    assert np.array_equal(library.match(spoilt).shift_projection[others], library.match(asked).shift_projection[others])


def test_a_bank_smaller_than_the_neighbours_asked_for_is_enough() -> None:
    rng = np.random.default_rng(7)
    normal = ordinary_life(rng, 10, 5, DIMENSION)
    few = replace(normal, bank=normal.bank[:2])
    matches = ExemplarIndex([], few).match(queries(rng, 4))
    assert matches.cosine.shape == (4, 0)
    assert ((matches.normal >= -1) & (matches.normal <= 1)).all()


def test_no_query_gives_no_match() -> None:
    matches = crowded_library(np.random.default_rng(8)).match(queries(np.random.default_rng(8), 0))
    assert (matches.cosine.shape, matches.shift_projection.shape, matches.normal.shape) == ((0, 4), (0, 4), (0,))


def test_of_many_exemplars_of_a_class_a_few_leave_none_far_from_the_nearest() -> None:
    rng = np.random.default_rng(6)
    centres = [unit(1, 0, 0, 0), unit(0, 1, 0, 0), unit(0, 0, -1, 0)]
    many = np.concatenate(
        [scatter(rng, centre, count, 0.02) for centre, count in zip(centres, (300, 4, 1), strict=True)]
    )
    library = ExemplarIndex([exemplar("alpha", one, number=k) for k, one in enumerate(many)], ordinary_life(rng))
    matches = library.match(embedded(many, np.ones(len(many))))
    assert len(set(matches.nearest_exemplar[:, 0].tolist())) <= MAX_REPRESENTATIVES
    assert matches.cosine.min() > 0.99, "the one that is unlike all others, too"


def test_as_many_exemplars_as_represent_a_class_are_all_compared_with() -> None:
    few = scatter(np.random.default_rng(8), unit(1, 0, 0, 0), MAX_REPRESENTATIVES, 0.5)
    library = ExemplarIndex(
        [exemplar("alpha", one, number=k) for k, one in enumerate(few)], ordinary_life(np.random.default_rng(1))
    )
    nearest_exemplar = library.match(embedded(few, np.ones(len(few)))).nearest_exemplar[:, 0]
    assert [library.exemplars[place].id for place in nearest_exemplar] == [
        f"alpha-{k}" for k in range(MAX_REPRESENTATIVES)
    ]

"""A verdict compares with this network's normal, on one scale for all classes, within the promised budget."""

from dataclasses import replace

import numpy as np
import pytest

from detector.core.encoder import Embeddings
from detector.core.scoring.class_scores import DISTANCE_WEIGHT, MAX_SIZE_WEIGHT, calibrate, margins
from detector.core.scoring.class_scores import score_contributions as witnesses_of
from detector.core.scoring.classifier import BLOCKS_PER_1000_CELL_DAYS, FAULT, NORMAL, UNKNOWN, Classifier, threshold
from detector.core.scoring.exemplars import Exemplar, ExemplarIndex, Matches
from detector.core.scoring.tail_fit import CEILING, FLOOR
from detector.core.settings import kernel
from tests.builders import embedded, exemplar, ordinary_life, unit

WEIGHTS = kernel(3, 2.0)
ALPHA, BETA = exemplar("alpha", unit(0, 1, 0, 0)), exemplar("beta", unit(0, 0, 1, 0))


def matches(normal: float, *cosine: float) -> Matches:
    one = np.array([cosine], np.float32).reshape(1, -1)
    return Matches(np.array([normal], np.float32), one, np.zeros_like(one), np.zeros(one.shape, np.int64))


def embedding(direction: np.ndarray, size: float = 1.0) -> Embeddings:
    return embedded(direction[None], np.array([size]))


def judge_of(*exemplars: Exemplar, budget: float = 50.0) -> Classifier:
    return Classifier(ExemplarIndex(exemplars, ordinary_life(np.random.default_rng(1))), WEIGHTS, budget)


@pytest.mark.parametrize(
    ("normal", "cosines", "expected"),
    [
        (0.2, [0.9], [0.7]),
        (0.2, [0.9, 0.6], [0.7 - 0.2, 0.4 - 0.35]),
        (0.2, [0.9, 0.1], [0.7, -0.1 - 0.35]),
        (0.2, [0.9, 0.9], [0.35, 0.35]),
        (0.9, [0.1, 0.2], [-0.8, -0.7]),
        (0.2, [0.9, 0.6, 0.4], [0.5, 0.05, 0.2 - 0.35]),
    ],
)
def test_a_margin_is_the_lead_over_normal_less_half_of_the_best_rivals(
    normal: float, cosines: list[float], expected: list[float]
) -> None:
    assert margins(matches(normal, *cosines))[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_no_class_has_no_margin() -> None:
    assert margins(matches(0.2)).shape == (1, 0)


def test_the_threshold_is_the_score_at_which_all_classes_together_spend_the_budget() -> None:
    for classes, budget in ((1, 10.0), (3, 10.0), (30, 0.5)):
        score = threshold(classes, budget)
        per_1000_cell_days = 1000 * 12 * 0.05 * classes * np.exp(-score)
        assert per_1000_cell_days == pytest.approx(budget)


def test_half_the_budget_raises_the_threshold_and_so_does_twice_the_classes() -> None:
    assert threshold(3, 5) - threshold(3, 10) == pytest.approx(np.log(2))
    assert threshold(6, 10) - threshold(3, 10) == pytest.approx(np.log(2))


def test_a_taught_fault_is_a_fault_ordinary_life_is_normal_and_what_is_far_from_both_is_unknown() -> None:
    judge = judge_of(ALPHA, BETA)
    assert judge.decide(embedding(ALPHA.direction, 3)).kind.tolist() == [FAULT]
    assert judge.decide(embedding(unit(1, 0, 0, 0))).kind.tolist() == [NORMAL]
    assert judge.decide(embedding(unit(1, 0, 0, 0), 50)).kind.tolist() == [UNKNOWN]
    assert judge.decide(embedding(unit(0, 0, 0, 1), 50)).kind.tolist() in ([UNKNOWN], [FAULT])


def test_scores_are_of_the_faults_in_order_then_unknown() -> None:
    judge = judge_of(BETA, ALPHA)
    assert judge.classes == ["alpha", "beta", "unknown"]
    scores = judge.score_classes(embedding(BETA.direction))[0]
    assert scores.shape == (3,)
    assert scores[1] == scores.max() > judge.threshold


def test_scores_are_clipped_so_that_one_wild_minute_is_outvoted() -> None:
    judge = judge_of(ALPHA)
    wild = np.concatenate([judge.score_classes(embedding(unit(1, 0, 0, 0), size)) for size in (1e-3, 6e4)])
    shift = np.asarray(judge.calibration.zero_level)
    assert (wild >= FLOOR - shift - 0.05).all()  # half precision
    assert (wild <= CEILING - shift + 0.05).all()


def test_what_resembles_a_taught_fault_is_not_unknown() -> None:
    assert judge_of(ALPHA).score_classes(embedding(ALPHA.direction, 50))[0, -1] == FLOOR


def test_an_ignore_exemplar_silences_unknown() -> None:
    strange = unit(0, -1, -1, 1)
    before, after = judge_of(ALPHA), judge_of(ALPHA, exemplar("reboot", strange, "ignore"))
    assert before.classes == after.classes == ["alpha", "unknown"], "what is to be ignored is no verdict"
    assert before.score_classes(embedding(unit(1, 0, 0, 0), 50)).shape == (1, 2)
    assert after.score_classes(embedding(strange, 50))[0, -1] == FLOOR
    assert after.decide(embedding(strange, 50)).kind.tolist() == [NORMAL]


def test_an_ignore_exemplar_lowers_the_faults_it_resembles() -> None:
    between = unit(0, 1, 0, 1)
    plain = ExemplarIndex([ALPHA], ordinary_life(np.random.default_rng(1)))
    taught = ExemplarIndex([ALPHA, exemplar("reboot", unit(0, 1, 0, 1.2), "ignore")], plain.normal)
    lead = margins(plain.match(embedding(between)))[0, 0]
    lowered = margins(taught.match(embedding(between)))[0, 0]
    assert lowered < lead - 0.3


def test_without_any_label_there_is_unknown_and_nothing_else() -> None:
    judge = judge_of()
    assert judge.classes == ["unknown"]
    verdicts = judge.decide(embedded(np.stack([unit(1, 0, 0, 0)] * 2), np.array([1, 60])))
    assert verdicts.kind.tolist() == [NORMAL, UNKNOWN]
    assert verdicts.scores.shape == (2, 1)


def test_only_ignore_labels_leave_unknown_as_the_one_class() -> None:
    judge = judge_of(exemplar("reboot", unit(0, 0, 0, 1), "ignore"))
    assert judge.classes == ["unknown"]
    assert judge.score_classes(embedding(unit(0, 0, 0, 1), 50)).tolist() == [[FLOOR]]


def test_unknown_goes_by_distance_alone() -> None:
    judge = judge_of(ALPHA)
    aside, ahead = unit(1, -0.6, -0.3, -0.5), unit(1, 0, 0, 0)
    ordinary, turned, large, both = (
        float(judge.score_classes(embedding(direction, size))[0, -1])
        for direction, size in ((ahead, 1.5), (aside, 1.5), (ahead, 1.9), (aside, 1.9))
    )
    assert turned == ordinary < large == both


@pytest.mark.bitwise
def test_a_batch_is_judged_as_each_of_it_alone() -> None:
    rng = np.random.default_rng(9)
    judge = judge_of(ALPHA, BETA)
    directions = np.stack([unit(*direction) for direction in rng.normal(size=(90, 4))])
    asked = embedded(directions, np.exp(rng.normal(0, 1, 90)))
    together = judge.score_classes(asked)
    alone = [judge.score_classes(asked[[k]])[0] for k in range(90)]
    assert np.array_equal(together, np.stack(alone))


def test_a_tail_goes_through_what_one_stretch_in_twenty_passes_and_what_one_in_a_hundred_does() -> None:
    normal = ordinary_life(np.random.default_rng(2), stretches=1000)
    tail = calibrate(ExemplarIndex([], normal), kernel(1, 1.0)).distance
    peaks = np.log(normal.stretches.size.astype(np.float32)).max(axis=1)
    assert 45 <= np.count_nonzero(peaks > tail.location[-1]) <= 50, "fifty, but for those that are equal"
    far = tail.location[-1] + np.log(5) * tail.scale[-1]
    assert 8 <= np.count_nonzero(peaks > far + 1e-5) <= 10, "an exponential falls to a fifth in ln 5 of its scale"


def test_a_region_of_unlabelled_faults_in_the_past_hardly_moves_the_calibration() -> None:
    """Four stretches in a thousand; by the mean excess, scales would be many times as large."""
    calm = ordinary_life(np.random.default_rng(2), stretches=1000)
    befallen = ordinary_life(np.random.default_rng(2), stretches=1000)
    befallen.stretches.size[:4] *= np.float16(500)
    befallen.stretches.shift[:4] *= np.float16(500)
    scales = [calibrate(ExemplarIndex([ALPHA], normal), kernel(3, 2.0)).distance.scale for normal in (calm, befallen)]
    assert (scales[1] < 1.6 * scales[0]).all()


def test_a_column_goes_by_direction_and_by_distance_on_one_scale() -> None:
    judge = judge_of(ALPHA)
    calibration = judge.calibration
    asked = embedded(np.stack([unit(1, 0.3, 0, 0)] * 2), np.array([1, 1.5]))
    told = witnesses_of(judge.exemplar_index, asked)
    matches = judge.exemplar_index.match(asked)
    np.testing.assert_allclose(told.direction[:, 0], margins(matches)[:, 0] * [1, 1.5])
    assert (told.direction[:, 1] == 0).all()
    np.testing.assert_allclose(told.distance[:, 0], matches.shift_projection[:, 0])
    np.testing.assert_allclose(told.distance[:, 1], np.log([1, 1.5]), atol=1e-3)
    for column in range(2):
        by = 0.0
        for tail, witness, says in (
            (calibration.direction, told.direction, 1),
            (calibration.distance, told.distance, DISTANCE_WEIGHT),
        ):
            by += says * np.clip((witness[1, column] - tail.location[column]) / tail.scale[column], FLOOR, CEILING)
        both = np.clip(
            (by - calibration.combined.location[column]) / calibration.combined.scale[column], FLOOR, CEILING
        )
        by_hand = both - calibration.zero_level[column]
        assert calibration.standardise(told)[1, column] == pytest.approx(by_hand, rel=1e-5)


def test_a_direction_counts_by_the_size_of_the_window_up_to_twice_an_ordinary_ones() -> None:
    library = judge_of(ALPHA).exemplar_index
    sizes = np.array([0.5, 1, MAX_SIZE_WEIGHT, 9])
    told = witnesses_of(library, embedded(np.stack([ALPHA.direction] * 4), sizes)).direction[:, 0]
    np.testing.assert_allclose(told / told[1], [0.5, 1, MAX_SIZE_WEIGHT, MAX_SIZE_WEIGHT], rtol=1e-3)


def test_a_window_farther_out_the_exemplars_way_scores_higher_and_the_other_way_lower() -> None:
    judge = judge_of(ALPHA)
    aside = embedding(unit(1, 0.35, 0, 0))
    farther, opposite = (replace(aside, shift=aside.shift * np.float16(by)) for by in (1.5, -1))
    there, more, less = (float(judge.score_classes(one)[0, 0]) for one in (aside, farther, opposite))
    assert less < there < more


def test_a_single_stretch_is_enough_to_calibrate_on() -> None:
    one = ordinary_life(np.random.default_rng(4), stretches=1)
    scores = Classifier(ExemplarIndex([ALPHA], one), WEIGHTS, 50.0).score_classes(embedding(ALPHA.direction))
    assert np.isfinite(scores).all()


def test_stretches_thinned_to_every_second_minute_are_smoothed_over_the_same_time() -> None:
    normal = ordinary_life(np.random.default_rng(3), stretches=200)
    thin = replace(normal, stretches=normal.stretches[:, ::2], step_samples=2)
    weights = kernel(5, 2.0)
    raw = np.log(thin.stretches.size.astype(np.float32))
    by_hand = (weights[0] * raw[:, 2:] + weights[2] * raw[:, 1:-1] + weights[4] * raw[:, :-2]) / weights[::2].sum()
    location = calibrate(ExemplarIndex([], thin), weights).distance.location[-1]
    assert location == pytest.approx(np.sort(by_hand.max(axis=1))[-11], rel=1e-5), "one in twenty of 200 lie above"


def alarms_in_ordinary_life(classes: int, score_minutes: int, budget: float) -> tuple[int, float]:
    """Calibrated on some stretches, counted on others, smoothed minute by minute as alarms are; and what is promised.

    All is seeded.
    """
    stretches, length = 6000, 40
    weights, rng = kernel(score_minutes, 3.0), np.random.default_rng(11)
    judge = Classifier(ExemplarIndex([ALPHA, BETA][:classes], ordinary_life(rng, stretches, length)), weights, budget)
    fresh = ordinary_life(rng, stretches, length).stretches
    scores = judge.score_classes(fresh.reshaped(-1)).astype(np.float32).reshape(stretches, length, -1)
    first = score_minutes - 1
    smooth = sum(w * scores[:, first - k : length - k] for k, w in enumerate(weights)) / weights.sum()
    alarms = int(np.count_nonzero((smooth >= judge.threshold).any(axis=(1, 2))))
    return alarms, stretches * budget / BLOCKS_PER_1000_CELL_DAYS


@pytest.mark.parametrize(("score_minutes", "budget"), [(1, 40.0), (3, 200.0), (10, 200.0)])
@pytest.mark.parametrize("classes", [0, 2])
def test_ordinary_life_stays_about_within_the_budget(classes: int, score_minutes: int, budget: float) -> None:
    """Of averages, which end sooner than an exponential does, only where the tail was measured: in one block of 60."""
    alarms, promised = alarms_in_ordinary_life(classes, score_minutes, budget)
    assert promised / 2 <= alarms <= promised * 1.5, f"{alarms} alarms, {promised:.0f} promised"


@pytest.mark.parametrize("score_minutes", [3, 10])
@pytest.mark.parametrize("classes", [0, 2])
def test_beyond_what_was_measured_averages_bring_fewer_alarms_than_promised(classes: int, score_minutes: int) -> None:
    alarms, promised = alarms_in_ordinary_life(classes, score_minutes, 40.0)
    assert alarms <= promised


HELD = replace(exemplar("gamma", unit(0, 1, 0.5, 0)), is_quarantined=True)
STADIUM = exemplar("stadium", unit(0, -1, -1, 1), "ignore")


def test_a_held_fault_changes_no_bit_of_any_others_score_nor_the_threshold() -> None:
    rng = np.random.default_rng(7)
    asked = embedded(np.stack([unit(*one) for one in rng.normal(size=(300, 4))]), np.exp(rng.normal(0, 1, 300)))
    for others in ((), (ALPHA,), (ALPHA, BETA, STADIUM)):
        without, with_it = judge_of(*others), judge_of(*others, HELD)
        assert with_it.threshold == without.threshold
        assert with_it.classes == without.classes
        assert np.array_equal(with_it.score_classes(asked), without.score_classes(asked))
        ignored = [quiet for quiet in with_it.suppressed_classes if quiet.reason == "ignored"]
        assert np.array_equal(
            with_it.score_columns(asked)[:, : len(with_it.classes) + len(ignored)], without.score_columns(asked)
        )


def test_a_held_fault_is_recognised_in_a_column_of_its_own() -> None:
    judge = judge_of(ALPHA, HELD)
    assert [(quiet.reason, quiet.name) for quiet in judge.suppressed_classes] == [("quarantined", "gamma")]
    assert judge.score_columns(embedding(HELD.direction))[0, -1] > judge.threshold
    assert judge.score_columns(embedding(unit(1, 0, 0, 0)))[0, -1] < judge.threshold


def test_a_class_may_have_an_example_that_counts_and_one_that_is_held() -> None:
    judge = judge_of(ALPHA, replace(exemplar("alpha", unit(0, 0, 0, 1), number=1), is_quarantined=True))
    assert judge.classes == ["alpha", "unknown"]
    assert [quiet.name for quiet in judge.suppressed_classes] == ["alpha"]


def test_what_an_ignore_silences_scores_in_its_column_as_it_would_have_done() -> None:
    strange = unit(0, -1, -1, 1)
    judge = judge_of(ALPHA, STADIUM)
    assert [(quiet.reason, quiet.name) for quiet in judge.suppressed_classes] == [("ignored", "stadium")]
    silenced, named, calm = (
        float(judge.score_columns(embedding(direction, size))[0, -1])
        for direction, size in ((strange, 50), (ALPHA.direction, 50), (unit(1, 0, 0, 0), 1))
    )
    assert silenced == float(judge_of(ALPHA).score_classes(embedding(strange, 50))[0, -1]) > judge.threshold
    assert named <= FLOOR, "what is named is not silenced"
    assert calm < judge.threshold


def test_an_ignore_counts_for_the_minutes_before_its_expiry_and_for_none_from_it_on() -> None:
    works = exemplar("works", unit(0, 1, 1, -1), "ignore")
    judge = judge_of(ALPHA, replace(STADIUM, expires=1000), replace(works, expires=2000))
    asked = embedded(np.stack([STADIUM.direction] * 4), np.full(4, 50))
    minute = np.array([999, 1000, 2000, 998])
    columns = judge.score_columns(asked, minute)
    assert (columns[:, 1] > judge.threshold).tolist() == [False, True, True, False]
    assert (columns[:, 2] > judge.threshold).tolist() == [True, False, False, True], "and is counted as silenced"
    alone = [judge.score_columns(asked[[k]], minute[[k]])[0] for k in range(4)]
    assert np.array_equal(columns, np.stack(alone))
    assert np.array_equal(columns[2, :2], judge_of(ALPHA).score_classes(asked[[2]])[0])


def test_a_class_has_the_gravest_of_the_severities_it_was_taught_with() -> None:
    given = enumerate(("major", "minor", ""))
    taught = [replace(exemplar("alpha", unit(0, 1, 0, 0), number=k), severity=s) for k, s in given]
    assert judge_of(*taught, BETA).severities == {"alpha": "major"}

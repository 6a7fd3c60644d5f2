"""The figures of a comparison, on embeddings whose worth is known, and the sentences that are made of them."""

import numpy as np
import pytest

from trainer.loss_comparison.dataset import UNSEEN_BASE
from trainer.loss_comparison.few_shot import COUNTS, MANY, QUERIES, Crowd, ExampleCount, compare_counts
from trainer.loss_comparison.head_gap import gaps
from trainer.loss_comparison.report.captions import turning_words
from trainer.loss_comparison.results import PairAnswers, Questions, answer, row
from trainer.loss_comparison.toy_3d import frames_of
from trainer.loss_comparison.training_run import Embedded, TrainingRun
from trainer.loss_comparison.variants import Variant, contestants
from trainer.losses.loss import LossError
from trainer.losses.registry import CHOICES, LOSSES
from trainer.metrics.embedding import (
    accuracy_by_round,
    best_cutoff,
    cosine_distance,
    draw_pairs,
    draw_rounds,
    euclidean_distance,
    pair_accuracy,
    summarize_accuracy,
)
from trainer.metrics.one_shot import WAYS
from trainer.simulator import FAULTS

CHANCE = 1 / WAYS
LABEL = np.repeat(np.arange(10), 12)
APART = np.eye(10, dtype=np.float32)[LABEL]
"""Every class a direction of its own."""


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def questions(rng: np.random.Generator) -> Questions:
    drawn, pairs = draw_rounds(LABEL, rng), draw_pairs(LABEL, rng)
    return Questions(drawn, drawn, pairs, pairs)


def trained(contestant: Variant, embedding: np.ndarray, **own: np.ndarray) -> TrainingRun:
    made = Embedded(embedding, embedding)
    return TrainingRun(contestant, 0, "trained", made=dict.fromkeys(("watched", "unseen", "crowd"), made), own=own)


def test_classes_that_lie_apart_are_named_without_a_mistake(rng: np.random.Generator) -> None:
    drawn = draw_rounds(LABEL, rng)
    figure = summarize_accuracy(accuracy_by_round(cosine_distance(APART), drawn), drawn)

    assert (figure.share, figure.half, figure.half_classes) == (1, 0, 0)


def test_what_says_nothing_of_its_class_is_named_by_chance(rng: np.random.Generator) -> None:
    noise = rng.normal(size=(len(LABEL), 8)).astype(np.float32)
    drawn = draw_rounds(LABEL, rng)

    assert summarize_accuracy(accuracy_by_round(euclidean_distance(noise), drawn), drawn).share == pytest.approx(
        CHANCE, abs=0.05
    )


def test_an_example_is_never_asked_for_itself(rng: np.random.Generator) -> None:
    for rows in draw_rounds(LABEL, rng).rows.reshape(-1, 6):
        assert len(set(rows.tolist())) == 6
        assert len(set(LABEL[rows].tolist())) == 1


def test_pairs_are_of_one_class_and_of_two(rng: np.random.Generator) -> None:
    same, different = draw_pairs(LABEL, rng)

    assert (LABEL[same[:, 0]] == LABEL[same[:, 1]]).all()
    assert (same[:, 0] != same[:, 1]).all()
    assert (LABEL[different[:, 0]] != LABEL[different[:, 1]]).all()


def test_the_cut_off_lies_where_most_pairs_are_told_right() -> None:
    same, different = np.array([1, 2, 3], np.float32), np.array([6, 7, 8], np.float32)

    assert best_cutoff(same, different) == 4.5
    assert pair_accuracy(same, different, 4.5).mean() == 1
    assert pair_accuracy(same, different, 2.0).mean() == pytest.approx((2 / 3 + 1) / 2)
    assert pair_accuracy(same, different, 9.0).mean() == 0.5


def test_the_answers_of_a_perfect_embedding_are_all_right(questions: Questions) -> None:
    told = answer(trained(Variant("contrastive"), APART), questions)

    assert told.unseen.mean() == told.base.mean() == told.pairs.mean() == 1
    assert told.by_head is None
    assert 0 < told.histogram.cut < np.sqrt(2)
    assert sum(told.histogram.same) == pytest.approx(1)
    assert sum(told.histogram.different) == pytest.approx(1)


def test_a_head_that_measures_distance_is_asked_for_its_probability(questions: Questions) -> None:
    own = {"weight": np.array([[-20.0]], np.float32), "bias": np.array([10.0], np.float32)}
    told = answer(trained(Variant("similarity", (("join", "distance"),)), APART, **own), questions)

    assert told.pairs.mean() == 1
    assert told.by_head is not None
    assert told.by_head.mean() == 1
    assert (told.histogram.is_probability, told.histogram.cut, told.histogram.edges[-1]) == (True, 0.5, 1.0)
    assert np.argmax(told.histogram.same) > np.argmax(told.histogram.different)


def test_a_sum_over_a_concatenation_names_every_window_alike_however_good_the_embedding(
    questions: Questions, rng: np.random.Generator
) -> None:
    own = {"weight": rng.normal(size=(20, 1)).astype(np.float32), "bias": np.zeros(1, np.float32)}
    told = answer(trained(Variant("similarity", (("join", "concatenation"),)), APART, **own), questions)

    assert told.unseen.mean() == 1
    assert told.by_head is not None
    assert told.by_head.mean() == pytest.approx(CHANCE)


def test_a_row_is_the_mean_of_its_seeds_and_names_each(questions: Questions) -> None:
    contestant = Variant("contrastive")
    right = trained(contestant, APART)
    wrong = trained(contestant, np.roll(APART, 12, axis=0) * 0 + np.float32(0.1))
    lost = TrainingRun(contestant, 2, "collapsed", "the encoder collapsed at step 9")
    answers = [answer(right, questions), answer(wrong, questions)]
    told = row(contestant, [right, wrong, lost], answers, questions)

    assert told.unseen is not None
    assert told.unseen.share == pytest.approx(np.mean([one.unseen.mean() for one in answers]))
    assert [seed.state for seed in told.seeds] == ["trained", "trained", "collapsed"]
    assert [seed.unseen is None for seed in told.seeds] == [False, False, True]
    assert (told.state, told.reason) == ("collapsed with 1 of 3 seeds", "the encoder collapsed at step 9")


def asked(right: float, rng: np.random.Generator) -> list[PairAnswers]:
    pairs = (rng.random(4000) < right).astype(np.float64)
    nothing = np.zeros((1, 1))
    return [PairAnswers(nothing, nothing, None, pairs, None)]  # type: ignore[arg-type]


CONCATENATION, DISTANCE = (Variant("similarity", (("join", join),)) for join in ("concatenation", "distance"))


def test_the_gap_is_told_with_the_figures_of_the_run(rng: np.random.Generator) -> None:
    answers = {
        CONCATENATION: asked(0.5, rng),
        DISTANCE: asked(0.8, rng),
        Variant("contrastive"): asked(0.8, rng),
    }
    differences, sentence = gaps(answers)

    assert differences[0].difference == pytest.approx(0.3, abs=0.04)
    assert f"{100 * differences[0].difference:.1f} ± " in sentence
    assert "the Euclidean layer is" in sentence
    assert "ahead of the head over a concatenation" in sentence
    assert "between the Euclidean layer and the contrastive loss with a cut-off these pairs show no diff" in sentence


def test_a_side_that_was_not_trained_is_named_and_not_compared(rng: np.random.Generator) -> None:
    differences, sentence = gaps({DISTANCE: asked(0.8, rng), CONCATENATION: []})

    assert not differences
    assert sentence.endswith("so not compared: the head over a concatenation and the contrastive loss with a cut-off.")


def test_on_clear_clusters_every_method_is_right_from_one_example_on(rng: np.random.Generator) -> None:
    label = np.repeat(np.arange(6), MANY + QUERIES)
    crowd = compare_counts(np.eye(6, dtype=np.float32)[label], label, rng)

    assert [count.examples for count in crowd.counts] == list(COUNTS)
    assert {method.share for count in crowd.counts for method in count.methods} == {1}
    assert {(one.common, one.rare) for one in crowd.imbalance} == {(1, 1)}


def test_a_classifier_learns_which_dimensions_count_and_exemplars_do_not(rng: np.random.Generator) -> None:
    label = np.repeat(np.arange(6), MANY + QUERIES)
    noisy = np.concatenate([0.6 * np.eye(6)[label], rng.normal(size=(len(label), 20))], axis=1)
    noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
    crowd = compare_counts(noisy.astype(np.float32), label, rng)
    last = {method.method: method.share for method in crowd.counts[-1].methods}

    assert last["classifier"] > last["nearest exemplar"] + 0.05
    rare = {one.method: one.common - one.rare for one in crowd.imbalance}
    assert rare["classifier"] > rare["classifier, balanced"]


@pytest.mark.parametrize(
    ("ahead", "told"),
    [
        ((0.0, 0.01, 0.02), "With none of 1 to 5 examples of each class is the classifier surely ahead."),
        ((-0.1, 0.1, 0.2), "From 2 examples of each class on, the classifier is surely ahead."),
        ((0.1, 0.0, 0.2), "The classifier is surely ahead with 1 and 5 examples of each class, else not."),
    ],
)
def test_the_classifier_is_said_to_be_ahead_where_its_interval_says_so(ahead: tuple[float, ...], told: str) -> None:
    counts = [ExampleCount(count, [], by, 0.03) for count, by in zip((1, 2, 5), ahead, strict=True)]

    assert turning_words(Crowd(6, counts, [])) == told


def test_a_loss_of_several_ways_takes_part_in_each() -> None:
    found = contestants(list(LOSSES), ["tree"])

    assert {one.loss for one in found} == set(LOSSES)
    assert [dict(one.options)["mining"] for one in found if one.loss == "triplet"] == list(CHOICES["mining"])
    assert [dict(one.options)["join"] for one in found if one.loss == "similarity"] == list(CHOICES["join"])
    assert len({one.name for one in found}) == len(found)


def test_one_way_of_a_loss_can_be_asked_for() -> None:
    assert contestants(["triplet:mining=random:margin=0.3"], ["tree", "lstm"]) == [
        Variant("triplet", (("mining", "random"), ("margin", 0.3)), encoder) for encoder in ("tree", "lstm")
    ]


def test_what_no_loss_has_is_refused_with_a_sentence() -> None:
    with pytest.raises(LossError, match=r"^there is no loss 'triplets'\. Choose one of "):
        contestants(["triplets"], ["tree"])
    with pytest.raises(LossError, match=r"^the loss triplet has mining 'hard'; allowed are random, "):
        contestants(["triplet:mining=hard"], ["tree"])
    with pytest.raises(LossError, match=r"^--losses triplet:random: random is not NAME=VALUE, .* triplet:mining=ran"):
        contestants(["triplet:random"], ["tree"])
    with pytest.raises(LossError, match=r"^there is no encoder 'bush'; choose one of tree, "):
        contestants(["triplet"], ["bush"])
    with pytest.raises(LossError, match=r"^there is no encoder 'shared' that learns from these; choose one of tree, "):
        contestants(["triplet"], ["tree", "shared"])


def test_no_class_that_the_project_holds_out_takes_part() -> None:
    assert not [name for name in UNSEEN_BASE if FAULTS[name].held_out]


def test_a_lesson_is_looked_at_from_its_first_step_to_its_last() -> None:
    steps = frames_of(300)

    assert (steps[0], steps[-1]) == (1, 300)
    assert len(steps) <= 40
    assert frames_of(3) == [1, 2, 3]

"""Figures of a comparison on embeddings of known quality, and the texts made from them."""

import numpy as np
import pytest

from trainer.loss_comparison.dataset import UNSEEN_BASE
from trainer.loss_comparison.few_shot import COUNTS, MANY, QUERIES, ExampleCount, FewShotComparison, compare_counts
from trainer.loss_comparison.head_gap import compare_heads
from trainer.loss_comparison.report.captions import turning_point_text
from trainer.loss_comparison.results import PairAnswers, Questions, answer_questions, make_row
from trainer.loss_comparison.toy_3d import frame_steps
from trainer.loss_comparison.training_run import TrainingRun, WindowEmbeddings
from trainer.loss_comparison.variants import Variant, parse_variants
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
"""Directions in which each class has its own axis."""


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def questions(rng: np.random.Generator) -> Questions:
    draws, pairs = draw_rounds(LABEL, rng), draw_pairs(LABEL, rng)
    return Questions(draws, draws, pairs, pairs)


def trained(variant: Variant, embedding: np.ndarray, **loss_weights: np.ndarray) -> TrainingRun:
    embeddings = dict.fromkeys(("validation", "unseen", "many_shot"), WindowEmbeddings(embedding, embedding))
    return TrainingRun(variant, 0, "trained", embeddings=embeddings, loss_weights=loss_weights)


def test_classes_that_lie_apart_are_named_without_a_mistake(rng: np.random.Generator) -> None:
    draws = draw_rounds(LABEL, rng)
    figure = summarize_accuracy(accuracy_by_round(cosine_distance(APART), draws), draws)

    assert (figure.share, figure.half, figure.half_classes) == (1, 0, 0)


def test_what_says_nothing_of_its_class_is_named_by_chance(rng: np.random.Generator) -> None:
    noise = rng.normal(size=(len(LABEL), 8)).astype(np.float32)
    draws = draw_rounds(LABEL, rng)

    assert summarize_accuracy(accuracy_by_round(euclidean_distance(noise), draws), draws).share == pytest.approx(
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
    answers = answer_questions(trained(Variant("contrastive"), APART), questions)

    assert answers.unseen.mean() == answers.base.mean() == answers.pairs.mean() == 1
    assert answers.by_head is None
    assert 0 < answers.histogram.cut < np.sqrt(2)
    assert sum(answers.histogram.same) == pytest.approx(1)
    assert sum(answers.histogram.different) == pytest.approx(1)


def test_a_head_that_measures_distance_is_asked_for_its_probability(questions: Questions) -> None:
    loss_weights = {"weight": np.array([[-20.0]], np.float32), "bias": np.array([10.0], np.float32)}
    answers = answer_questions(
        trained(Variant("similarity", (("join", "distance"),)), APART, **loss_weights), questions
    )

    assert answers.pairs.mean() == 1
    assert answers.by_head is not None
    assert answers.by_head.mean() == 1
    assert (answers.histogram.is_probability, answers.histogram.cut, answers.histogram.edges[-1]) == (True, 0.5, 1.0)
    assert np.argmax(answers.histogram.same) > np.argmax(answers.histogram.different)


def test_a_sum_over_a_concatenation_names_every_window_alike_however_good_the_embedding(
    questions: Questions, rng: np.random.Generator
) -> None:
    loss_weights = {"weight": rng.normal(size=(20, 1)).astype(np.float32), "bias": np.zeros(1, np.float32)}
    answers = answer_questions(
        trained(Variant("similarity", (("join", "concatenation"),)), APART, **loss_weights), questions
    )

    assert answers.unseen.mean() == 1
    assert answers.by_head is not None
    assert answers.by_head.mean() == pytest.approx(CHANCE)


def test_a_row_is_the_mean_of_its_seeds_and_names_each(questions: Questions) -> None:
    variant = Variant("contrastive")
    right = trained(variant, APART)
    wrong = trained(variant, np.roll(APART, 12, axis=0) * 0 + np.float32(0.1))
    lost = TrainingRun(variant, 2, "collapsed", "the encoder collapsed at step 9")
    answers = [answer_questions(right, questions), answer_questions(wrong, questions)]
    row = make_row(variant, [right, wrong, lost], answers, questions)

    assert row.unseen is not None
    assert row.unseen.share == pytest.approx(np.mean([answer.unseen.mean() for answer in answers]))
    assert [seed.state for seed in row.seeds] == ["trained", "trained", "collapsed"]
    assert [seed.unseen is None for seed in row.seeds] == [False, False, True]
    assert (row.state, row.reason) == ("collapsed with 1 of 3 seeds", "the encoder collapsed at step 9")


def pair_answers(right: float, rng: np.random.Generator) -> list[PairAnswers]:
    pairs = (rng.random(4000) < right).astype(np.float64)
    nothing = np.zeros((1, 1))
    return [PairAnswers(nothing, nothing, None, pairs, None)]  # type: ignore[arg-type]


CONCATENATION, DISTANCE = (Variant("similarity", (("join", join),)) for join in ("concatenation", "distance"))


def test_the_gap_is_told_with_the_figures_of_the_run(rng: np.random.Generator) -> None:
    answers = {
        CONCATENATION: pair_answers(0.5, rng),
        DISTANCE: pair_answers(0.8, rng),
        Variant("contrastive"): pair_answers(0.8, rng),
    }
    differences, sentence = compare_heads(answers)

    assert differences[0].difference == pytest.approx(0.3, abs=0.04)
    assert f"{100 * differences[0].difference:.1f} ± " in sentence
    assert "the Euclidean layer is" in sentence
    assert "ahead of the head over a concatenation" in sentence
    assert "between the Euclidean layer and the contrastive loss with a cut-off these pairs show no diff" in sentence


def test_a_side_that_was_not_trained_is_named_and_not_compared(rng: np.random.Generator) -> None:
    differences, sentence = compare_heads({DISTANCE: pair_answers(0.8, rng), CONCATENATION: []})

    assert not differences
    assert sentence.endswith("so not compared: the head over a concatenation and the contrastive loss with a cut-off.")


def test_on_clear_clusters_every_method_is_right_from_one_example_on(rng: np.random.Generator) -> None:
    label = np.repeat(np.arange(6), MANY + QUERIES)
    crowd = compare_counts(np.eye(6, dtype=np.float32)[label], label, rng)

    assert [count.examples for count in crowd.counts] == list(COUNTS)
    assert {method.share for count in crowd.counts for method in count.methods} == {1}
    assert {(imbalance.common, imbalance.rare) for imbalance in crowd.imbalance} == {(1, 1)}


def test_a_classifier_learns_which_dimensions_count_and_exemplars_do_not(rng: np.random.Generator) -> None:
    label = np.repeat(np.arange(6), MANY + QUERIES)
    noisy = np.concatenate([0.6 * np.eye(6)[label], rng.normal(size=(len(label), 20))], axis=1)
    noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
    crowd = compare_counts(noisy.astype(np.float32), label, rng)
    last = {method.method: method.share for method in crowd.counts[-1].methods}

    assert last["classifier"] > last["nearest exemplar"] + 0.05
    rare = {imbalance.method: imbalance.common - imbalance.rare for imbalance in crowd.imbalance}
    assert rare["classifier"] > rare["classifier, balanced"]


@pytest.mark.parametrize(
    ("ahead", "sentence"),
    [
        ((0.0, 0.01, 0.02), "With none of 1 to 5 examples of each class is the classifier significantly ahead."),
        ((-0.1, 0.1, 0.2), "From 2 examples of each class on, the classifier is significantly ahead."),
        ((0.1, 0.0, 0.2), "The classifier is significantly ahead with 1 and 5 examples of each class, else not."),
    ],
)
def test_the_classifier_is_said_to_be_ahead_where_its_interval_says_so(ahead: tuple[float, ...], sentence: str) -> None:
    counts = [ExampleCount(count, [], by, 0.03) for count, by in zip((1, 2, 5), ahead, strict=True)]

    assert turning_point_text(FewShotComparison(6, counts, [])) == sentence


def test_a_loss_of_several_ways_takes_part_in_each() -> None:
    variants = parse_variants(list(LOSSES), ["tree"])

    assert {variant.loss for variant in variants} == set(LOSSES)
    assert [dict(variant.options)["mining"] for variant in variants if variant.loss == "triplet"] == list(
        CHOICES["mining"]
    )
    assert [dict(variant.options)["join"] for variant in variants if variant.loss == "similarity"] == list(
        CHOICES["join"]
    )
    assert len({variant.name for variant in variants}) == len(variants)


def test_one_way_of_a_loss_can_be_asked_for() -> None:
    assert parse_variants(["triplet:mining=random:margin=0.3"], ["tree", "lstm"]) == [
        Variant("triplet", (("mining", "random"), ("margin", 0.3)), encoder) for encoder in ("tree", "lstm")
    ]


def test_what_no_loss_has_is_refused_with_a_sentence() -> None:
    with pytest.raises(LossError, match=r"^there is no loss 'triplets'\. Choose one of "):
        parse_variants(["triplets"], ["tree"])
    with pytest.raises(LossError, match=r"^the loss triplet has mining 'hard'; allowed are random, "):
        parse_variants(["triplet:mining=hard"], ["tree"])
    with pytest.raises(LossError, match=r"^--losses triplet:random: random is not NAME=VALUE, .* triplet:mining=ran"):
        parse_variants(["triplet:random"], ["tree"])
    with pytest.raises(LossError, match=r"^encoder 'bush' is unknown; choose one of tree, "):
        parse_variants(["triplet"], ["bush"])
    with pytest.raises(
        LossError, match=r"^encoder 'shared' comes pre-trained and learns no loss here; choose one of tree, "
    ):
        parse_variants(["triplet"], ["tree", "shared"])


def test_no_class_that_the_project_holds_out_takes_part() -> None:
    assert not [name for name in UNSEEN_BASE if FAULTS[name].held_out]


def test_a_lesson_is_looked_at_from_its_first_step_to_its_last() -> None:
    steps = frame_steps(300)

    assert (steps[0], steps[-1]) == (1, 300)
    assert len(steps) <= 40
    assert frame_steps(3) == [1, 2, 3]

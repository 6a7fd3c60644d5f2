"""Texts of the HTML page, made from the report's figures."""

from trainer.loss_comparison.dataset import UNSEEN_BASE, UNSEEN_CLASSES, VALIDATION_CLASSES
from trainer.loss_comparison.few_shot import BALANCED, FEW, MANY, METHODS, FewShotComparison, Imbalance
from trainer.loss_comparison.report.summary import Report
from trainer.loss_comparison.toy_3d import STEPS
from trainer.metrics.embedding import PAIRS
from trainer.metrics.one_shot import QUERIES, ROUNDS, WAYS


def introduction(report: Report) -> str:
    """Return the first paragraph: variants, steps, seeds and training data."""
    facts, trained = report.facts, sum(row.unseen is not None for row in report.rows)
    seeds = "one seed" if len(facts.seeds) == 1 else f"{len(facts.seeds)} seeds"
    requested = f" (requested: {facts.asked_steps:,})" if facts.steps < facts.asked_steps else ""
    return (
        f"{len(report.rows)} ways to train the same encoder, {trained} of them completed, each with"
        f" {facts.steps:,} steps{requested} and {seeds}, on the same {facts.windows:,} windows of"
        f" {facts.learned_classes:,} fault classes. The figures are measured on classes that no encoder has seen."
    )


def table_text(report: Report) -> str:
    """Return the best variant, the variants that may be as good, and the untrained share."""
    trained = [row for row in report.rows if row.unseen is not None]
    if not trained:
        return "No loss was trained."
    first = trained[0]
    assert first.unseen is not None
    lower_limit = first.unseen.share - first.unseen.half
    level = [row.name for row in trained[1:] if row.unseen and row.unseen.share + row.unseen.half >= lower_limit]
    text = f"{first.name} names most: {first.unseen.share:.3f}, where chance is {1 / WAYS:.3f}."
    if level:
        text += f" By their intervals these may be as good: {'; '.join(level)}."
    untrained = report.untrained
    return (
        f"{text} Before its first step the network names {untrained.share:.3f} ± {untrained.half:.3f}: a loss has"
        " taught only its gain over this share."
    )


def toy_text(report: Report) -> str:
    """Return the best and the worst toy training, and the failed ones."""
    measured = [(run.right, run.name) for run in report.lessons if run.right is not None]
    failed = [f"{run.name} {run.state} ({run.reason})" for run in report.lessons if run.state != "trained"]
    text = "Normal windows and two faults are trained as three classes, with an embedding of three dimensions."
    if measured:
        low, low_name = min(measured, key=lambda result: result[0])
        high, high_name = max(measured, key=lambda result: result[0])
        text += (
            f" Of the windows outside the training, {high:.0%} are nearest to the mean of their own class with"
            f" {high_name}, and {low:.0%} with {low_name}."
        )
    return f"{text} Not trained: {'; '.join(failed)}." if failed else text


def few_shot_text(report: Report) -> str:
    """Return the lead of the classifier and the effect of imbalance; empty without a few-shot comparison."""
    comparison = report.crowd
    if comparison is None:
        return ""
    first, last = comparison.counts[0], comparison.counts[-1]
    return (
        f"{turning_point_text(comparison)} Its difference to the better of nearest exemplar and nearest mean is"
        f" {100 * first.ahead:+.1f} ± {100 * first.ahead_half:.1f} points with {first.examples}, and"
        f" {100 * last.ahead:+.1f} ± {100 * last.ahead_half:.1f} with {last.examples}."
        f" {_imbalance_text(comparison)}"
    )


def turning_point_text(comparison: FewShotComparison) -> str:
    """Return the numbers of examples with which the classifier leads by more than its interval."""
    leads = [count.examples for count in comparison.counts if count.ahead > count.ahead_half]
    last_counts = [count.examples for count in comparison.counts[len(comparison.counts) - len(leads) :]]
    if not leads:
        most = comparison.counts[-1].examples
        return f"With none of 1 to {most} examples of each class is the classifier significantly ahead."
    if leads == last_counts:
        return f"From {leads[0]} examples of each class on, the classifier is significantly ahead."
    numbers = " and ".join(map(str, leads))
    return f"The classifier is significantly ahead with {numbers} examples of each class, else not."


def _imbalance_text(comparison: FewShotComparison) -> str:
    """Return the shares of common and rare classes, and the method with the smallest difference between them."""
    by_name = {imbalance.method: imbalance for imbalance in comparison.imbalance}

    def difference(imbalance: Imbalance) -> float:
        return imbalance.common - imbalance.rare

    least = min(comparison.imbalance, key=lambda imbalance: abs(difference(imbalance)))
    shares = ", ".join(
        f"{name} {by_name[name].common:.2f} and {by_name[name].rare:.2f}" for name in (*METHODS, BALANCED)
    )
    return (
        f"Where half of the classes have {MANY} examples and half have {FEW}, the shares named right of the two halves"
        f" are: {shares}. The difference is smallest for {least.method} ({100 * difference(least):+.0f} points)."
    )


def method_texts(report: Report) -> list[str]:
    """Return the paragraphs about data, figures and limits of the comparison."""
    facts = report.facts
    return [
        f"Training: {facts.learned_classes:,} classes, {facts.base_classes} of them named classes of the simulator and"
        f" the others procedural, {facts.windows:,} windows of {facts.features} features in {facts.cells} cells."
        f" Validation: {VALIDATION_CLASSES} procedural classes, which choose the weights of the best step and the"
        f" cut-offs. Unseen: {UNSEEN_CLASSES} other procedural classes, and"
        f" {', '.join(name.replace('_', ' ') for name in UNSEEN_BASE)}. No class belongs to two of these, and held-out"
        " fault classes take no part.",
        f"One-shot: a round draws {WAYS} classes and one example of each. The nearest example (cosine of the embeddings"
        f" as served) names {QUERIES} windows of each class; {ROUNDS} rounds, the same for every loss. The first ± is"
        " the 95 % interval over rounds, which more rounds would narrow. The second is over classes: the range in which"
        f" another {UNSEEN_CLASSES} classes can lie. By its head: a pairwise loss names by its own probability.",
        f"Pairs classified right: the mean of two shares, over {PAIRS:,} pairs of one class and as many of two; chance"
        " is one half.",
        f"Seconds are those of one training on this machine's {facts.device}, with its validation runs. A seed"
        f" ({', '.join(map(str, facts.seeds))}) determines the initial weights and the batches; the windows are the"
        f" same. The training of three classes has {min(STEPS, facts.steps)} steps and the first seed.",
        "All data is simulated, by a network that resembles real ones. The order of the losses may differ in yours:"
        " measure again on your own data.",
    ]

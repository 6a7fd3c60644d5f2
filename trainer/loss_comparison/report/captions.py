"""What the page says in sentences, made of the report's figures."""

from trainer.loss_comparison.dataset import UNSEEN, UNSEEN_BASE, WATCHED
from trainer.loss_comparison.few_shot import BALANCED, FEW, MANY, METHODS, Crowd, Imbalance
from trainer.loss_comparison.report.summary import Report
from trainer.loss_comparison.toy_3d import STEPS
from trainer.metrics.embedding import PAIRS
from trainer.metrics.one_shot import QUERIES, ROUNDS, WAYS


def about(report: Report) -> str:
    facts, trained = report.facts, sum(row.unseen is not None for row in report.rows)
    seeds = "one seed" if len(facts.seeds) == 1 else f"{len(facts.seeds)} seeds"
    less = f" (asked for: {facts.asked_steps:,})" if facts.steps < facts.asked_steps else ""
    return (
        f"{len(report.rows)} ways to train the same encoder, {trained} of which came to an end, each for"
        f" {facts.steps:,} steps{less} and {seeds}, on the same {facts.windows:,} windows of"
        f" {facts.learned_classes:,} fault classes. What each is asked for afterwards are classes that none of them"
        " has seen."
    )


def table_words(report: Report) -> str:
    """How sure the first place is."""
    trained = [row for row in report.rows if row.unseen is not None]
    if not trained:
        return "No loss was trained."
    first = trained[0]
    assert first.unseen is not None
    least = first.unseen.share - first.unseen.half
    level = [row.name for row in trained[1:] if row.unseen and row.unseen.share + row.unseen.half >= least]
    words = f"{first.name} names most: {first.unseen.share:.3f}, where chance is {1 / WAYS:.3f}."
    if level:
        words += f" By their intervals these may be as good: {'; '.join(level)}."
    before = report.untrained
    words += f" Before its first step the network names {before.share:.3f} ± {before.half:.3f}: only what a loss brings"
    return words + " beyond that has it taught."


def lesson_words(report: Report) -> str:
    taken = [one for one in report.lessons if one.right is not None]
    failed = [f"{one.name} {one.state} ({one.reason})" for one in report.lessons if one.state != "trained"]
    words = "Normal life and two faults are learned as three classes, with an embedding of three dimensions."
    if taken:
        low, high = min(taken, key=lambda one: one.right or 0), max(taken, key=lambda one: one.right or 0)
        words += (
            f" Of windows not learned from, {high.right:.0%} lie nearest to the middle of their own class under"
            f" {high.name}, and {low.right:.0%} under {low.name}."
        )
    return f"{words} Not trained: {'; '.join(failed)}." if failed else words


def crowd_words(report: Report) -> str:
    crowd = report.crowd
    if crowd is None:
        return ""
    first, last = crowd.counts[0], crowd.counts[-1]
    words = (
        f"{turning_words(crowd)} Beside the better of nearest exemplar and nearest mean it stands at"
        f" {100 * first.ahead:+.1f} ± {100 * first.ahead_half:.1f} points with {first.examples}, and at"
        f" {100 * last.ahead:+.1f} ± {100 * last.ahead_half:.1f} with {last.examples}."
    )
    return f"{words} {_imbalance_words(crowd)}"


def turning_words(crowd: Crowd) -> str:
    """From how many examples on the classifier is ahead by more than its interval; else, with which numbers of them."""
    ahead = [count.examples for count in crowd.counts if count.ahead > count.ahead_half]
    suffix = [count.examples for count in crowd.counts[len(crowd.counts) - len(ahead) :]]
    if not ahead:
        return f"With none of 1 to {crowd.counts[-1].examples} examples of each class is the classifier surely ahead."
    if ahead == suffix:
        return f"From {ahead[0]} examples of each class on, the classifier is surely ahead."
    return f"The classifier is surely ahead with {' and '.join(map(str, ahead))} examples of each class, else not."


def _imbalance_words(crowd: Crowd) -> str:
    """Who suffers least where classes are unlike, by how far apart common and rare classes come out."""
    by_name = {one.method: one for one in crowd.imbalance}

    def apart(one: Imbalance) -> float:
        return one.common - one.rare

    least = min(crowd.imbalance, key=lambda one: abs(apart(one)))
    told = ", ".join(f"{name} {by_name[name].common:.2f} and {by_name[name].rare:.2f}" for name in (*METHODS, BALANCED))
    return (
        f"Where half of the classes have {MANY} examples and half have {FEW}, those and these are named right: {told}."
        f" The two lie closest under {least.method} ({100 * apart(least):+.0f} points)."
    )


def measure_words(report: Report) -> list[str]:
    facts = report.facts
    return [
        f"Learned: {facts.learned_classes:,} classes, {facts.base_classes} of them the simulator's named ones and the"
        f" rest procedural, {facts.windows:,} windows of {facts.features} features in {facts.cells} cells. Watched:"
        f" {WATCHED} procedural classes, by which the weights of the best step and the cut-offs are chosen. Unseen:"
        f" {UNSEEN} other procedural classes, and {', '.join(name.replace('_', ' ') for name in UNSEEN_BASE)}. No class"
        " is of two of these, and the fault classes that the project holds out take no part.",
        f"One-shot: {WAYS} classes are drawn, one example of each is shown, and {QUERIES} windows of each are named by"
        f" the nearest example (cosine of the embeddings as served); {ROUNDS} draws, the same for every loss. The first"
        " ± is the 95 % interval over draws, which asking longer would narrow; the second is over classes, and says"
        f" how far another {UNSEEN} classes may come out. By its head: a pairwise loss names by its own probability.",
        f"Pairs told right: {PAIRS:,} pairs of one class and as many of two, the mean of both shares; chance is one"
        " half.",
        f"Seconds are of one training on this machine's {facts.device}, examinations included. From a seed"
        f" ({', '.join(map(str, facts.seeds))}) come the first weights and the batches; the windows are the same. The"
        f" lesson of three classes takes {min(STEPS, facts.steps)} steps, with the first seed.",
        "All of it is simulated, by a network that is like real ones and is none: take the order of the losses for"
        " what it is, and measure again on your own.",
    ]

"""`make tokens`: learn the tokens again and write the shipped file. It takes ten minutes and is hardly ever needed."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from detector.output.files import whole_file
from detector.terminal import print_line
from trainer.console import timed_step
from trainer.pretrained.tokens.token_training import OPERATORS, STEPS, build_training_set, draw_examples, learn_tokens

FILE = Path(__file__).with_name("tokens.npz")


def main() -> int:
    training_sets = []
    for number in OPERATORS:
        with timed_step(f"procedural faults at operator R{number}"):
            training_sets.append(build_training_set(draw_examples(number, workers=2)))
    with timed_step(f"tokens, {STEPS} steps"):
        tokens: dict[str, Any] = dict(learn_tokens(training_sets, STEPS, seed=0))
    with whole_file(FILE) as file:
        np.savez(file, **tokens)
    print_line(f"written to {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

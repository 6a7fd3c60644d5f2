"""`make tokens`: learns them anew and writes the file that is shipped. Ten minutes, hardly ever needed."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from trainer.console import console, timed_step
from trainer.pretrained.tokens.token_training import OPERATORS, STEPS, build_training_set, draw_examples, learn_tokens

FILE = Path(__file__).with_name("tokens.npz")


def main() -> int:
    lessons = []
    for number in OPERATORS:
        with timed_step(f"procedural faults at operator R{number}"):
            lessons.append(build_training_set(draw_examples(number, workers=2)))
    with timed_step(f"tokens, {STEPS} steps"):
        tokens: dict[str, Any] = dict(learn_tokens(lessons, STEPS, seed=0))
    np.savez(FILE, **tokens)
    console.print(f"written to {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

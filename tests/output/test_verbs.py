"""Each verb refuses an output that it must not write before any work: before it reads, asks Kafka or computes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.output.kinds import write_own_bundle
from tests.trainer.files import write_catalogue
from trainer.simulator import catalogue

PROGRAM = """
import io, json, sys
from contextlib import redirect_stderr
from detector.__main__ import main as detector
from trainer.__main__ import main as trainer

results = []
for program, *words in json.load(sys.stdin):
    with redirect_stderr(io.StringIO()) as errors:
        code = {"faultline": detector, "faultline-trainer": trainer}[program](words)
    results.append([code, errors.getvalue()])
heavy = [name for name in ("tensorflow", "keras", "faiss") if name in sys.modules]
json.dump({"results": results, "heavy": heavy}, sys.stdout)
"""

CONFIG = "bundle: {bundle}\nkafka:\n  common: {{bootstrap.servers: '127.0.0.1:9'}}\n  topics: {{alarms: {alarms}}}\n"
"""Configuration of a broker that nobody runs: a command that asks it first says so instead."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outputs that must not be written, and inputs that look right from outside."""
    folder = tmp_path_factory.mktemp("verbs")
    (folder / "work" / "tuesday").mkdir(parents=True)
    (folder / "work" / "notes.txt").write_text("important")
    for name in ("file", "work/compare.html", "work/evaluate.json"):
        (folder / name).write_text("mine")
    (folder / "history").mkdir()
    (folder / "history" / "m.parquet").write_text("minutes")
    write_catalogue(catalogue(), folder / "history" / "catalogue.yaml")
    write_own_bundle(folder / "bundle")
    (folder / "loop").symlink_to("loop")
    for name in ("config", "shadow"):
        (folder / f"{name}.yaml").write_text(CONFIG.format(bundle=folder / "bundle", alarms=name))
    return folder


def commands() -> list[tuple[list[str], str]]:
    """Return commands, and the output that each must refuse: the last of its words. FOLDER stands before all paths."""
    network = ["--history", "@history"]
    evaluate = ["faultline-trainer", "evaluate", *network, "--bundle", "@bundle", "--out"]
    replay = ["faultline", "replay", *network, "--bundle", "@bundle", "--teach", "@history/episodes.csv"]
    collect = ["faultline-trainer", "collect", "--config", "@config.yaml", "--until", "now", "--out"]
    adapt = ["faultline-trainer", "adapt", *network, "--bundle", "@bundle", "--out"]
    train, look = ["faultline-trainer", "train"], ["faultline-trainer", "look"]
    simulate = ["faultline-trainer", "simulate", "quiet-week", "--out"]
    export = ["faultline", "pack", "export", "--config", "@config.yaml"]
    report = ["faultline", "shadow", "report", "--config", "@config.yaml", "--shadow", "@shadow.yaml", "--textfile"]
    foreign = ["@work", "@file", "@loop", "@history"]
    return [
        *((train, ["--out", path]) for path in (*foreign, ".", "/")),
        *(([*train, *network], ["--out", path]) for path in ("@history", "@history/below", "@bundle/..")),
        *(([*train, "--out", "@new", "--tensorboard"], [path]) for path in ("@file", "@new", "@new/below")),
        *((adapt, [path]) for path in (*foreign, "@bundle", "@bundle/below", "@bundle/..")),
        *((simulate, [path]) for path in (*foreign, "@bundle", "@config.yaml")),
        *((collect, [path]) for path in (*foreign[:3], "@bundle")),
        *((["faultline-trainer", "catalogue", "@history", "--out"], [path]) for path in (*foreign, "@config.yaml")),
        *(([*look, "quiet-week", "--out"], [path]) for path in ("@file", "@loop")),
        *(([*look, "@history", "--out"], [path]) for path in ("@history", "@history/below")),
        *((evaluate, [path]) for path in (*foreign, "@bundle")),
        *((["faultline-trainer", "compare", "--out"], [path]) for path in ("@file", "@loop", "@work")),
        *(([*replay, option], [path]) for option in ("--alarms", "--report") for path in (*foreign, "@config.yaml")),
        ([*replay, "--alarms", "@new", "--report"], ["@new"]),
        *((export, [path]) for path in (*foreign, "@config.yaml", "@missing/pack")),
        *((report, [path]) for path in (*foreign, "@config.yaml", "@missing/x.prom")),
    ]


@pytest.mark.slow
def test_every_verb_refuses_its_output_first_and_without_the_encoder(folder: Path) -> None:
    before = {path: path.lstat().st_mtime_ns for path in (folder, *folder.rglob("*"))}
    asked = [[word.replace("@", f"{folder}/") for word in (*words, *output)] for words, output in commands()]

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps(asked), capture_output=True, text=True, check=True
    )

    answer = json.loads(done.stdout.splitlines()[-1])
    for words, (code, errors) in zip(asked, answer["results"], strict=True):
        shown = f"{' '.join(words)}: {code} {errors}"
        assert code == 2, shown
        assert errors.count("\n") == 1, shown
        assert errors.startswith(f"{words[0]}: {Path(words[-1])}"), shown
    assert answer["heavy"] == []
    assert {path: path.lstat().st_mtime_ns for path in (folder, *folder.rglob("*"))} == before

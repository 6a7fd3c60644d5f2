"""A file, a bundle or a broker that cannot be used is refused before the encoder starts, whatever the verb."""

import shutil
from pathlib import Path

import pytest
import yaml

from detector.bundle.format import read_bundle
from tests.commands.runner import Ending, run_all
from tests.trainer.files import write_catalogue
from trainer.pretrained.shipped import SHIPPED

pytestmark = pytest.mark.slow

EPISODE = ("--cell", "A1", "--at", "2026-11-21 10:05")
CLASS = ("--class", "power_loss")

NO_CONFIG = [
    *(
        ("run",),
        ("check",),
        ("feed",),
        ("topics",),
        ("labels",),
        ("labels", "--withheld"),
        ("unknowns",),
        ("forget", "5b0c91aa"),
    ),
    *(("explain", "5b0c91aa"), ("reproduce", "5b0c91aa"), ("confirm", "5b0c91aa"), ("reject", "5b0c91aa")),
    *(("teach", *EPISODE, *CLASS), ("search", *EPISODE), ("pack", "export", "x.pack"), ("pack", "import", "x.pack")),
    *(("promote", "monday"), ("rollback",), ("shadow", "configure", "--bundle", "monday")),
]
"""Verbs that read the configuration first."""

NO_BUNDLE = [
    *(("feed",), ("feed", "broken.jsonl")),
    *(("unknowns",), ("teach", *EPISODE, *CLASS), ("search", *EPISODE)),
    *(("pack", "export", "x.pack"), ("shadow", "configure", "--bundle", "missing")),
    ("replay", "--history", "history", "--bundle", "missing", "--teach", "history/episodes.csv"),
]

NO_BROKER = [
    ("feed",),
    *(("topics",), ("labels",), ("labels", "--radius"), ("labels", "--withheld"), ("unknowns",)),
    *(("forget", "5b0c91aa"), ("explain", "5b0c91aa"), ("reproduce", "5b0c91aa"), ("confirm", "5b0c91aa")),
    *(("reject", "5b0c91aa"), ("unknowns", "--teach", "1", *CLASS), ("teach", *EPISODE, *CLASS)),
    *(("search", *EPISODE), ("pack", "export", "x.pack")),
]
"""Verbs that need a broker before they need the encoder; `check` goes on, to find all mistakes at once."""

FILES = [
    (("pack", "import", "missing.pack"), "missing.pack: cannot be read"),
    (("replay", "--history", "missing", "--bundle", "bundle", "--teach", "history/episodes.csv"), "missing"),
    (("replay", "--history", "history", "--bundle", "bundle", "--teach", "missing.csv"), "missing.csv: cannot be read"),
    (("replay", "--history", "history", "--bundle", "bundle", "--labels", "missing.jsonl"), "missing.jsonl"),
    (("replay", "--history", "history", "--bundle", "bundle", "--labels", "broken.jsonl"), "a label cannot be read"),
    (("search", *EPISODE, "--history", "missing", "--offline"), "missing"),
    (("teach", *EPISODE, *CLASS, "--history", "missing"), "missing"),
    (("teach", *EPISODE, *CLASS, "--history", "empty"), "empty"),
    (("feed", "missing.jsonl"), "missing.jsonl: cannot be read"),
    (("feed", "empty"), "empty"),
    (("promote", "missing"), "missing"),
    (("rollback",), "no previous bundle is recorded"),
]

TRAINER = [
    (("train", "--out", "o", "--history", "missing"), "missing"),
    (("train", "--out", "o", "--episodes", "missing.csv"), "missing.csv: a simulated network has no such"),
    (("train", "--out", "o", "--loss-option", "magin=1"), "has no option 'magin'"),
    (("adapt", "--bundle", "missing", "--history", "history", "--out", "o"), "missing"),
    (("adapt", "--bundle", "bundle", "--history", "missing", "--out", "o"), "missing"),
    (("evaluate", "--history", "missing", "--bundle", "bundle", "--out", "o"), "missing/episodes.csv: does not exist"),
    (("evaluate", "--case", "a:missing:bundle", "--case", "a:missing:bundle", "--out", "o"), "is given 2 times"),
    (("evaluate", "--case", "a", "--out", "o"), "is not NAME:HISTORY:BUNDLE"),
    (("compare", "--out", "o", "--losses", "triplets"), "triplets"),
    (("compare", "--out", "o", "--encoders", "tre"), "tre"),
    (("catalogue", "missing"), "missing: does not exist"),
    (("catalogue", "--topic", "--config", "missing.yaml"), "missing.yaml: cannot be read"),
    (("look", "missing", "--out", "o"), "missing"),
    (("simulate", "missing", "--out", "o"), "missing"),
    (("simulate", "quiet-week"), "--out DIR and --kafka: neither is given"),
    (("simulate", "quiet-week", "--kafka", "--config", "missing.yaml"), "missing.yaml: cannot be read"),
    (("collect", "--out", "o", "--config", "missing.yaml"), "missing.yaml: cannot be read"),
    (("collect", "--out", "o", "--catalogue", "missing.yaml"), "missing.yaml: cannot be read"),
]


def with_config(verb: tuple[str, ...], config: str) -> tuple[str, ...]:
    return ("faultline", *verb) if "replay" in verb else ("faultline", *verb, "--config", config)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a bundle that could serve behind its link, an empty history, and configurations."""
    made = tmp_path_factory.mktemp("refused")
    shutil.copytree(SHIPPED, made / "monday")
    (made / "bundle").symlink_to("monday")
    (made / "history").mkdir()
    write_catalogue(read_bundle(SHIPPED).catalogue, made / "history" / "catalogue.yaml")
    (made / "empty").mkdir()
    (made / "history" / "episodes.csv").write_text("cell,class,kind,begin,end\n")
    (made / "broken.jsonl").write_text("{}\n")
    kafka = {"common": {"bootstrap.servers": "127.0.0.1:9"}, "reach_seconds": 1}
    for name, bundle in (("config", "bundle"), ("bundleless", "missing")):
        (made / f"{name}.yaml").write_text(yaml.safe_dump({"bundle": bundle, "kafka": kafka}))
    return made


@pytest.fixture(scope="module")
def endings(folder) -> dict[tuple[str, ...], Ending]:
    lines = [
        *(with_config(verb, "nowhere.yaml") for verb in NO_CONFIG),
        *(with_config(verb, "bundleless.yaml") for verb in NO_BUNDLE),
        *(with_config(verb, "config.yaml") for verb, _ in FILES),
        *(("faultline-trainer", *arguments) for arguments, _ in TRAINER),
    ]
    return dict(zip(lines, run_all(lines, folder), strict=True))


def check(ending: Ending, *sentences: str) -> None:
    assert ending.code == 2, ending.err
    for sentence in sentences:
        assert sentence in ending.err
    assert ending.err.count("\n") == 1
    assert "tensorflow" not in ending.heavy
    assert "keras" not in ending.heavy


@pytest.mark.parametrize("verb", NO_CONFIG, ids=" ".join)
def test_a_configuration_that_is_missing_is_refused_first(verb, endings):
    check(endings[with_config(verb, "nowhere.yaml")], "nowhere.yaml: cannot be read")


@pytest.mark.parametrize("verb", NO_BUNDLE, ids=" ".join)
def test_a_bundle_that_is_missing_is_refused_first(verb, endings):
    check(endings[with_config(verb, "bundleless.yaml")], "missing")


@pytest.mark.parametrize(("verb", "sentence"), FILES, ids=[" ".join(verb) for verb, _ in FILES])
def test_a_file_that_is_missing_or_broken_is_refused_before_the_encoder(verb, sentence, endings):
    check(endings[with_config(verb, "config.yaml")], sentence)


@pytest.mark.parametrize(("arguments", "sentence"), TRAINER, ids=[" ".join(line) for line, _ in TRAINER])
def test_the_trainer_refuses_before_the_encoder(arguments, sentence, endings):
    check(endings["faultline-trainer", *arguments], sentence)


def test_a_broker_that_does_not_answer_is_refused_before_the_encoder(folder):
    lines = [with_config(verb, "config.yaml") for verb in NO_BROKER]

    for ending in run_all(lines, folder):
        assert ending.code == 2
        assert "127.0.0.1:9" in ending.err.splitlines()[-1]  # librdkafka's own lines stand before it
        assert not {"tensorflow", "keras"} & set(ending.heavy)

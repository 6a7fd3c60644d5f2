"""A catalogue is read whole or refused with every mistake: its line, the value, and the word that was meant."""

from pathlib import Path

import pytest

from detector.config.catalogue import catalogue_yaml, read_catalogue
from detector.config.catalogue_rules import LONGEST_NAME, RESERVED, feature_mistakes, reading_mistakes
from detector.core.features import Catalogue, Feature
from detector.errors import ConfigError
from trainer.simulator import OPERATOR_B, catalogue

FIT = {"name": "rrc_succ", "unit": '"1"', "kind": "counter", "transform": "log1p", "low": 0, "high": 100}

KELVIN = "\u212a"
"""Sign that looks like a K, and is one in Unicode's compatible forms."""


def feature(**changes: object) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in {**FIT, **changes}.items()) + "}"


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "catalogue.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        read_catalogue(path)
    sentence = str(raised.value)
    assert sentence.startswith(f"{path}: ")
    assert sentence.endswith(".")
    return sentence.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("header", "period", "stamp"),
    [
        ("", 1, "begin"),
        ("features:\n", 1, "begin"),
        ("period_minutes: 15\nfeatures:\n", 15, "begin"),
        ("stamp: end\nperiod_minutes: 5\nfeatures:\n", 5, "end"),
        ("period_minutes: 30\nstamp: begin\nfeatures:\n", 30, "begin"),
        ("period_minutes: 60\nfeatures:\n", 60, "begin"),
    ],
)
def test_a_list_and_a_mapping_are_read(tmp_path, header, period, stamp):
    (tmp_path / "c.yaml").write_text(f"{header}- {feature()}\n")

    read = read_catalogue(tmp_path / "c.yaml")

    assert read == Catalogue((Feature("rrc_succ", "1", "counter", "log1p", 0, 100),), period, stamp)


@pytest.mark.parametrize("source", [catalogue(), OPERATOR_B.measurement.catalogue()])
@pytest.mark.parametrize(("period", "stamp"), [(1, "begin"), (15, "end")])
def test_what_is_written_is_read(tmp_path, source, period, stamp):
    written = Catalogue(source.features, period, stamp)
    (tmp_path / "c.yaml").write_text(catalogue_yaml(written), encoding="utf-8")

    assert read_catalogue(tmp_path / "c.yaml") == written


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"transform": "log"},
            "`transform` of `rrc_succ` is 'log'; allowed is `identity` or `log1p` (did you mean `log1p`",
        ),
        ({"transform": "LOG1P"}, "(did you mean `log1p`?)."),
        ({"transform": "log10"}, "(did you mean `log1p`?)."),
        ({"transform": "none"}, "`transform` of `rrc_succ` is 'none'; allowed is `identity` or `log1p`."),
        ({"transform": "~"}, "`[0].transform` is empty (null); allowed is a text"),
        ({"kind": "count"}, "'count'; allowed is `counter`, `gauge` or `ratio` (did you mean `counter`?)."),
        ({"kind": "Gauge"}, "(did you mean `gauge`?)."),
        ({"kind": "'gauge '"}, "`kind` of `rrc_succ` is 'gauge '"),
        ({"kind": "rate"}, "(did you mean `ratio`?)."),
        ({"kind": "true"}, "`[0].kind` is true; allowed is a text; put it in quotes."),
        ({"high": ".nan"}, "`[0].high` is .nan, which is no finite number"),
        ({"low": "-.inf"}, "`[0].low` is -.inf, which is no finite number"),
        ({"high": "'100'"}, "`[0].high` is the text '100'; allowed is a number"),
        ({"high": "4.0e+38"}, "`high` of `rrc_succ` is 4e+38; allowed is a finite number of single precision"),
        ({"low": 100}, "`low` of `rrc_succ` is 100, and `high` is 100; `low` must be below `high`"),
        ({"low": 101}, "`low` of `rrc_succ` is 101, and `high` is 100; `low` must be below `high`"),
        ({"low": 16777216, "high": 16777217}, "must be below `high`, also in single precision."),
        ({"low": -5}, "is -5, and its transform is `log1p`, which takes values from 0 on; set `low` to 0 or more, or"),
        ({"name": "''"}, "the name '' of feature 1 is empty; give it the name that records carry."),
        ({"name": '" \\t"'}, "is empty; give it the name"),
        ({"name": "' rrc'"}, "the name ' rrc' of feature 1 has a space at an end; remove it."),
        ({"name": "a" * (LONGEST_NAME + 1)}, f"has {LONGEST_NAME + 1} characters; allowed are {LONGEST_NAME}."),
        ({"name": '"a\\u200bb"'}, "has a character that cannot be printed; remove it."),
        ({"name": '"a\\nb"'}, "has a character that cannot be printed; remove it."),
        ({"name": 17}, "`[0].name` is 17; allowed is a text; put it in quotes."),
        ({"unit": '"\\e[31m"'}, "`unit` of `rrc_succ` is '\\x1b[31m', which has a character that cannot be printed"),
        ({"alias": '"\\u202e"'}, "`alias` of `rrc_succ`"),
        ({"aliass": "x"}, "`aliass` is no key of `[0]` (did you mean `alias`?)."),
        *(({"name": name}, f"is reserved: `{name}` is {owner}") for name, owner in RESERVED.items()),
        ({"name": "Minute"}, "the name 'Minute' of feature 1 is reserved: `minute` is a column of a history"),
        ({"name": "CELL"}, "is reserved"),
    ],
)
def test_a_mistake_in_a_feature_is_told_with_its_line(tmp_path, changes, sentence):
    told = refusal(tmp_path, f"# features\n- {feature(**changes)}\n")

    assert told.startswith("line 2, column ")
    assert sentence in told


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "lists no feature; list one at least, or draft them with `faultline-trainer catalogue`."),
        ("# only a comment\n", "lists no feature"),
        ("[]\n", "lists no feature"),
        ("period_minutes: 15\nfeatures: []\n", "line 2, column 11: lists no feature"),
        ("period_minutes: 15\n", "`features` is missing; write `features: …`."),
        ("features: {a: 1}\n", "`features` is a mapping; allowed is a list."),
        ("features:\n", "`features` is empty (null); allowed is a list."),
        ("features\n", "the document is the text 'features'; allowed is a mapping"),
        ("feature:\n- {}\n", "`feature` is no key of the document (did you mean `features`?)."),
        ("- 3\n", "`[0]` is 3; allowed is a mapping of keys to values."),
        ("- {}\n", "`[0].name` is missing"),
        (f"period_minutes: 10\nfeatures:\n- {feature()}\n", "is 10; allowed is 1, 5, 15, 30 or 60 (the nearest is 5)."),
        (f"period_minutes: 900\nfeatures:\n- {feature()}\n", "(did you mean 15? The key is in minutes)."),
        (f"period_minutes: 0\nfeatures:\n- {feature()}\n", "is 0; allowed is 1, 5, 15, 30 or 60."),
        (f"period_minutes: -15\nfeatures:\n- {feature()}\n", "is -15; allowed is 1, 5, 15, 30 or 60."),
        (f"period_minutes: 15.0\nfeatures:\n- {feature()}\n", "is 15.0; allowed is 1, 5, 15, 30 or 60, in minutes."),
        (f"period_minutes: PT900S\nfeatures:\n- {feature()}\n", "is the text 'PT900S'; allowed is 1, 5, 15, 30 or 60"),
        (f"period_minutes: true\nfeatures:\n- {feature()}\n", "is true; allowed is 1, 5, 15, 30 or 60"),
        (
            f"stamp: End\nfeatures:\n- {feature()}\n",
            "`stamp` is 'End'; allowed is `begin` or `end` (did you mean `end`?).",
        ),
        (f"stamp: start\nfeatures:\n- {feature()}\n", "`stamp` is 'start'; allowed is `begin` or `end`."),
        (f"- {feature()}\n- {feature()}\n", "line 2, column 10: the name `rrc_succ` stands twice, first as feature 1;"),
        (
            f"- {feature()}\n- {feature(name='RRC_Succ')}\n",
            "the names `RRC_Succ` and `rrc_succ`, of feature 1, differ only",
        ),
        (f"- {feature(name='a b')}\n- {feature(name='ab')}\n", "differ only in case or spaces"),
        (f"- {feature(name='K')}\n- {feature(name=KELVIN)}\n", "differ only in case or spaces"),
    ],
)
def test_a_mistake_of_the_whole_is_told(tmp_path, text, sentence):
    assert sentence in refusal(tmp_path, text)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path):
    text = f"""period_minutes: 900
stamp: middle
features:
- {feature(kind="counts")}
- {feature(name="time", transform="log")}
- {feature(name="b", low=7, high=5, units="x")}
- {feature(name="rrc_succ")}
"""
    told = refusal(tmp_path, text)

    assert told.startswith("has 8 mistakes: ")
    assert [int(part.split(",")[0]) for part in told.split("line ")[1:]] == [1, 2, 4, 5, 5, 6, 6, 7]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "ratio", "high": 1e9},
        {"kind": "ratio", "low": -7, "transform": "identity"},
        {"name": "RRC.ConnEstabAtt.mo-Data"},
        {"name": "'Auslastung DL [%]'"},
        {"name": "下行速率"},
        {"unit": '""'},
        {"name": "times"},
        {"name": "a" * LONGEST_NAME},
    ],
)
def test_what_is_only_unusual_is_read(tmp_path, changes):
    (tmp_path / "c.yaml").write_text(f"- {feature(**changes)}\n", encoding="utf-8")

    assert len(read_catalogue(tmp_path / "c.yaml")) == 1


def test_a_mistake_that_was_told_is_not_told_twice(tmp_path):
    assert refusal(tmp_path, f"- {feature(kind='yes', low='.nan')}\n").startswith("has 2 mistakes: ")


@pytest.mark.parametrize(
    ("changes", "is_refused"),
    [
        ({"low": 7, "high": 5}, True),
        ({"low": 5, "high": 5}, False),
        ({"transform": "log"}, False),
        ({"kind": "rate"}, False),
        ({"name": "minute"}, False),
        ({"low": -1}, False),
    ],
)
def test_a_bundle_of_before_is_refused_only_where_no_record_could_be_read(changes, is_refused):
    row = {**FIT, **changes}

    assert bool(list(reading_mistakes([row]))) == is_refused
    assert list(feature_mistakes([row]))


def test_a_name_twice_is_refused_in_a_bundle_too():
    (mistake,) = reading_mistakes([FIT, {**FIT, "name": "other"}, FIT])

    assert mistake == ((2, "name"), "the name `rrc_succ` stands twice, first as feature 1; keep one of the two.")

"""A mistake on the command line ends with one sentence, exit code 2, and before anything heavy is imported."""

import pytest

from detector.__main__ import VERBS
from tests.commands.runner import Ending, run_all
from trainer.__main__ import VERBS as TRAINER_VERBS

EPISODE = ("--cell", "A1", "--at", "2026-11-21 10:05")
TEACH = ("teach", *EPISODE, "--class", "power_loss")

DETECTOR = [
    (("lables",), "'lables' is no verb. Did you mean 'labels'?"),
    (("serch", "--cell", "x"), "'serch' is no verb. Did you mean 'search'?"),
    (("RUN",), "'RUN' is no verb. Did you mean 'run'?"),
    (("frobnicate",), "'frobnicate' is no verb; see `faultline --help`."),
    (("",), "'' is no verb; see `faultline --help`."),
    (("run", "--confg", "config.yaml"), "'--confg' is no option. Did you mean '--config'?"),
    (("run", "-config", "config.yaml"), "'-config' is no option. Did you mean '--config'?"),
    (("run", "--confg=config.yaml"), "'--confg' is no option. Did you mean '--config'?"),
    (("run", "--zzz"), "'--zzz' is no option; see `faultline run --help`."),
    (("teach", "--cell", "A1", "--att", "10:05"), "'--att' is no option. Did you mean '--at'?"),
    (("--verion",), "'--verion' is no option. Did you mean '--version'?"),
    (("--color", "red", "labels"), "--color 'red' is not one of auto, always, never"),
    (("labels", "--color", "alway"), "Did you mean 'always'?"),
    (("--print-completion", "bsh"), "Did you mean 'bash'?"),
    (("labels", "--color"), "argument --color: expected one argument; see `faultline labels --help`."),
    ((*TEACH, "--kind", "falt"), "--kind 'falt' is not one of fault, normal, ignore. Did you mean 'fault'?"),
    ((*TEACH, "--severity", "MAJOR"), "Did you mean 'major'?"),
    (("pack",), "the following arguments are required: export|import"),
    (("pack", "exprt", "x.pack"), "'exprt' is not one of export, import. Did you mean 'export'?"),
    (("pack", "import", "x.pack", "--acept"), "'--acept' is no option. Did you mean '--accept'?"),
    (("shadow", "reprot"), "Did you mean 'report'?"),
    (("labels", "extra"), "'extra' is one argument too many"),
    (("forget",), "the following arguments are required: ID"),
    (("labels", "--hours", "nan"), "argument --hours: nan is not a number above 0"),
    (("labels", "--hours", "inf"), "argument --hours: inf is not a number above 0"),
    (("labels", "--hours", "0"), "argument --hours: 0 is not a number above 0"),
    (("labels", "--cell-days", "-1"), "argument --cell-days: -1 is not a number above 0"),
    (("labels", "--radius", "--quick"), "not allowed with argument"),
    (("unknowns", "--teach", "0", "--class", "x"), "argument --teach: 0 is not a whole number from 1 on"),
    (("unknowns", "--teach", "1"), "--teach N and --class NAME must be given together"),
    (("feed", "--records", "0"), "argument --records: 0 is not a whole number from 1 to 1000000"),
    (("topics", "--partitions", "0"), "argument --partitions: 0 is not a whole number from 1 on"),
    (("topics", "--replication", "99999"), "is not a whole number from 1 to 32767"),
    (("search", *EPISODE, "--most", "many"), "argument --most: many is not a whole number from 1 on"),
    (("search", *EPISODE, "--farthest", "1.1"), "argument --farthest: 1.1 is not a number from 0 to 1"),
    (("search", *EPISODE, "--offline"), "--offline leaves no past to search"),
    (("search", "--cell", "A1", "--at", "yesterday"), "--at: 'yesterday' is not a time"),
    (("labels", "--config", ""), "argument --config: the path is empty"),
    (("promote", ""), "argument BUNDLE: the path is empty"),
    (("teach", "--cell", "A\udcff", "--at", "10:05", "--class", "x"), "argument --cell: 'A\\udcff' is not UTF-8"),
    (("forget", "\x1b[31m\udcff"), "is not UTF-8"),
    (("explain", "a\nb", "c\n"), "is one argument too many"),
]

TRAINER = [
    (("trian",), "'trian' is no verb. Did you mean 'train'?"),
    (("train", "--out", "o", "--encoder", "tre"), "Did you mean 'tree'?"),
    (("train", "--out", "o", "--loss", "triplets"), "Did you mean 'triplet'?"),
    (("train", "--out", "o", "--seed", "-1"), "argument --seed: -1 is not a whole number from 0 on"),
    (("train", "--out", "o", "--seed", "99999999999999999999"), "is not a whole number from 0 on"),
    (("train", "--out", ""), "argument --out: the path is empty"),
    (("train", "--out", "o", "--steps", "0"), "argument --steps: 0 is not a whole number from 1 on"),
    (("train", "--out", "o", "--checkpoint-minutes", "nan"), "is not a number of minutes from 0 on"),
    (("train", "--out", "o", "--loss-option", "margin"), "margin is not NAME=VALUE"),
    (("adapt", "--bundle", "b", "--history", "h"), "the following arguments are required: --out"),
    (("simulate", "quiet-week", "--out", "o", "--days", "inf"), "argument --days: inf is not a number above 0"),
    (
        ("simulate", "quiet-week", "--out", "o", "--cells", "1.5"),
        "argument --cells: 1.5 is not a whole number from 1 on",
    ),
    (("look", "quiet-week", "--out", "o", "--episode", "-1"), "argument --episode: -1 is not a whole number from 0 on"),
    (("compare", "--out", "o", "--seeds", "1,1"), "1,1 is not a list of different whole numbers"),
    (("evaluate", "--out", "o", "--histroy", "h"), "Did you mean '--history'?"),
    (("collect", "--out", "o", "--until", "tomorrow"), "--until 'tomorrow' is not one of now, forever"),
]

MISTAKES = [
    *((("faultline", *arguments), sentence) for arguments, sentence in DETECTOR),
    *((("faultline-trainer", *arguments), sentence) for arguments, sentence in TRAINER),
]

HELP = [
    *(("faultline", verb, "--help") for verb in VERBS),
    *(("faultline-trainer", verb, "--help") for verb in TRAINER_VERBS),
    *((program, option) for program in ("faultline", "faultline-trainer") for option in ("--help", "--version")),
    *(("faultline", verb, way, "--help") for verb, way in (("pack", "import"), ("shadow", "report"))),
]


@pytest.fixture(scope="module")
def endings(tmp_path_factory) -> dict[tuple[str, ...], Ending]:
    lines = [*HELP, ("faultline",), ("faultline-trainer",), *(line for line, _ in MISTAKES)]
    folder = tmp_path_factory.mktemp("empty")
    return dict(zip(lines, run_all(lines, folder), strict=True))


@pytest.mark.parametrize(("line", "sentence"), MISTAKES, ids=[repr(" ".join(line)) for line, _ in MISTAKES])
def test_a_mistake_is_one_sentence_that_names_what_is_nearest(line, sentence, endings):
    ending = endings[line]

    assert (ending.code, ending.out) == (2, "")
    assert sentence in ending.err
    assert ending.err.startswith(line[0])
    assert ending.err.count("\n") == 1
    assert "\x1b" not in ending.err
    assert ending.heavy == []


@pytest.mark.parametrize("line", HELP, ids=" ".join)
def test_help_imports_nothing_heavy(line, endings):
    assert (endings[line].code, endings[line].err, endings[line].heavy) == (0, "", [])


@pytest.mark.parametrize("program", ["faultline", "faultline-trainer"])
def test_without_a_verb_a_program_prints_its_help_as_an_error(program, endings):
    ending = endings[program,]

    assert (ending.code, ending.out) == (2, "")
    assert f"usage: {program}" in ending.err

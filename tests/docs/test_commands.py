"""The shell examples of the documents, read by the programs' own parsers."""

import pytest

from detector.__main__ import VERBS
from detector.command_line import command_line
from tests.docs.pages import DOCUMENTS, commands, name_of
from trainer.__main__ import VERBS as TRAINER_VERBS

PARSERS = {
    "faultline": ("detector.commands", VERBS),
    "faultline-trainer": ("trainer.commands", TRAINER_VERBS),
}

EXAMPLES = [(document, arguments) for document in DOCUMENTS for arguments in commands(document)]


@pytest.mark.parametrize(
    ("program", "arguments"),
    [(arguments[0], arguments[1:]) for _, arguments in EXAMPLES],
    ids=[f"{name_of(document)}: {' '.join(arguments[:2])}" for document, arguments in EXAMPLES],
)
def test_a_command_of_the_documents_is_understood(program, arguments, capsys):
    package, verbs = PARSERS[program]
    try:
        command_line(program, package, verbs).parse_args(arguments)
    except SystemExit:
        pytest.fail(f"{program} {' '.join(arguments)}\n{capsys.readouterr().err}")


def test_every_verb_has_an_example():
    shown = {(arguments[0], arguments[1]) for _, arguments in EXAMPLES}

    for program, (_, verbs) in PARSERS.items():
        assert {verb for verb in verbs if (program, verb) not in shown} == set()


def test_an_option_that_does_not_exist_is_refused(capsys):
    with pytest.raises(SystemExit):
        command_line("faultline", "detector.commands", VERBS).parse_args(["run", "--confg", "config.yaml"])

    assert "--confg" in capsys.readouterr().err

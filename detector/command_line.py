"""Command line of a program whose verbs are the modules of a package: parser, refusals and completion.

A mistake ends with exit code 2 and one sentence that names the nearest verb, option or choice. Everything here runs
before the verb's work is imported, so it imports nothing heavy.
"""

import argparse
import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from detector import __version__
from detector.commands.argument_types import file_path, folder_path
from detector.terminal import COLOR_MODES, print_notice, set_color
from detector.text import did_you_mean, printable

SHELLS = ("bash", "zsh", "tcsh")
"""Shells that a completion can be printed for."""

OPTION = re.compile(r"-[A-Za-z]|--[^\s-]\S*")
"""Argument that must be an option: neither a negative number, nor the bare `--`, nor a text with spaces."""


def command_line(program: str, package: str, verbs: Sequence[str]) -> "CommandParser":
    """Return the parser of such a program, with one subparser per verb."""
    parser = CommandParser(prog=program)
    parser.add_argument("--version", action="version", version=f"{program} {__version__}")
    parser.add_argument(
        "--print-completion",
        action=PrintCompletion,
        choices=SHELLS,
        help=f'print the completion of a shell, as in: eval "$({program} --print-completion bash)"',
    )
    commands = parser.add_subparsers(dest="verb", metavar="VERB")
    for verb in verbs:
        module = importlib.import_module(f"{package}.{verb}")
        formatter = argparse.RawDescriptionHelpFormatter  # the examples of a description keep their lines
        module.add_arguments(
            commands.add_parser(verb, help=module.HELP, description=module.__doc__, formatter_class=formatter)
        )
    for each in parsers(parser):
        each.add_argument(
            "--color",
            action=SetColor,
            choices=COLOR_MODES,
            default=argparse.SUPPRESS,
            help="colours of the output; auto: on a terminal, unless NO_COLOR is set (default: auto)",
        )
    return parser


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser, then the parsers of its verbs and of their second words."""
    yield parser
    for action in subcommands(parser):
        for nested in action.choices.values():
            yield from parsers(nested)


def subcommands(parser: argparse.ArgumentParser) -> list[Any]:
    """Return the actions of a parser that choose a verb or its second word."""
    # argparse has no public way to ask a parser for its arguments; `_actions` has been the same since Python 2.7.
    return [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]


class CommandParser(argparse.ArgumentParser):
    """Parser that refuses in one sentence, and names the nearest thing that exists."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Return the parsed arguments; without a verb, print the help and end the program."""
        parsed, extra = self.parse_known_args(args, namespace)
        if extra:
            self.error(f"{_shown(extra[0])} is one argument too many")
        if getattr(parsed, "verb", "") is None:
            self.print_help(sys.stderr)
            self.exit(2)
        return parsed

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse unknown options first: a misspelt option must not be reported as another one that is missing."""
        arguments = list(sys.argv[1:] if args is None else args)
        for argument in self._options_of(arguments):
            name = argument.partition("=")[0]
            # argparse accepts the first letters of a long option.
            if not any(option.startswith(name) for option in self._option_string_actions):
                self._refuse_unknown(f"{_shown(name)} is no option", name, list(self._option_string_actions))
        return super().parse_known_args(arguments, namespace)

    def error(self, message: str) -> NoReturn:
        """Refuse the command line in one sentence, without the usage of thirty options before it."""
        self._refuse(f"{message}; see `{self.prog} --help`.")

    def _refuse_unknown(self, sentence: str, word: str, known: Sequence[str]) -> NoReturn:
        """Refuse an unknown word, and name the known word that is most like it."""
        nearest = did_you_mean(word, known)
        self._refuse(f"{sentence}.{nearest}" if nearest else f"{sentence}; see `{self.prog} --help`.")

    def _refuse(self, sentence: str) -> NoReturn:
        print_notice(f"{self.prog}: {sentence}")
        sys.exit(2)

    def _options_of(self, arguments: Sequence[str]) -> Iterator[str]:
        """Yield the options among the arguments, as far as they are this parser's and not those of a verb."""
        has_verbs = bool(subcommands(self))
        for argument in arguments:
            if argument == "--" or (has_verbs and not argument.startswith("-")):
                return
            if OPTION.match(argument):
                yield argument

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a value that is none of an argument's choices. argparse has no public place for it."""
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        name = "/".join(action.option_strings) or str(action.metavar or action.dest)
        is_verb = isinstance(action, argparse._SubParsersAction)
        kind = f"no {name.lower()}" if is_verb and action.dest == "verb" else f"not one of {', '.join(choices)}"
        subject = _shown(value) if is_verb else f"{name} {_shown(value)}"
        self._refuse_unknown(f"{subject} is {kind}", str(value), choices)


def _shown(value: object) -> str:
    return printable(repr(str(value)), 60)


class SetColor(argparse.Action):
    """Option that colours the output, or leaves it plain, from this argument on."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: str | None = None) -> None:
        set_color(values)


class PrintCompletion(argparse.Action):
    """Option that prints the program's completion for a shell, and ends the program."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: str | None = None) -> None:
        import shtab

        kinds = {file_path: shtab.FILE, Path: shtab.FILE, folder_path: shtab.DIRECTORY}
        for action in (action for each in parsers(parser) for action in each._actions):
            if action.type in kinds:
                action.complete = kinds[action.type]  # type: ignore[attr-defined]  # shtab's own attribute
        sys.stdout.write(shtab.complete(parser, values) + "\n")
        parser.exit()

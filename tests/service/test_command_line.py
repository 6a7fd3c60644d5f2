"""The two programs tell their version, and print a completion that a shell can read."""

import shutil
import subprocess
from collections.abc import Callable, Sequence

import pytest

import detector.__main__
import trainer.__main__
from detector import __version__

PROGRAMS = {"faultline": detector.__main__, "faultline-trainer": trainer.__main__}

Said = Callable[..., str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a program that ends by itself, and return what it printed."""

    def run(program: str, *words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            PROGRAMS[program].main(words)
        assert ended.value.code == 0
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_tells_its_version(program: str, said: Said) -> None:
    assert said(program, "--version") == f"{program} {__version__}\n"


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_completion_names_every_verb_and_the_shell_reads_it(program: str, shell: str, said: Said) -> None:
    completion = said(program, "--print-completion", shell)

    verbs: Sequence[str] = PROGRAMS[program].VERBS
    assert [verb for verb in verbs if verb not in completion] == []
    if shell != "tcsh" and shutil.which(shell):
        subprocess.run([shell, "-n"], input=completion, text=True, check=True)


def test_bash_completes_a_verb(said: Said) -> None:
    completion = said("faultline", "--print-completion", "bash")
    ask = 'COMP_WORDS=(faultline che) COMP_CWORD=1; _shtab_faultline; echo "${COMPREPLY[*]}"'

    done = subprocess.run(["bash"], input=f"{completion}\n{ask}\n", capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["check"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_says_how_a_shell_is_given_the_completion(program: str, said: Said) -> None:
    told = " ".join(said(program, "--help").split())

    assert f'eval "$({program} --print-completion bash)"' in told


def test_another_shell_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        detector.__main__.main(["--print-completion", "fish"])

    assert ended.value.code == 2
    assert "bash" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("replay --history", {"archive"}),
        ("check --config", {"archive", "config.yaml"}),
        ("pack import", {"archive", "config.yaml"}),
        ("promote", {"archive"}),
    ],
)
def test_bash_completes_folders_where_a_folder_is_wanted_and_files_elsewhere(line, expected, said, tmp_path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "config.yaml").touch()
    completion, words = said("faultline", "--print-completion", "bash"), f"faultline {line}".split()
    ask = f'COMP_WORDS=({" ".join(words)} "") COMP_CWORD={len(words)}; _shtab_faultline; echo "${{COMPREPLY[*]}}"'

    done = subprocess.run(
        ["bash"], input=f"{completion}\n{ask}\n", capture_output=True, text=True, check=True, cwd=tmp_path
    )

    names = {name.rstrip("/") for name in done.stdout.split() if not name.startswith("-")}
    assert names == expected

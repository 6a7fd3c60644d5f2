"""A file appears whole and at once, or not at all, and a stream is written as it comes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from detector.errors import OutputError
from detector.output.claim import claimed, claimed_files, claimed_folder
from detector.output.drafts import draft_path
from detector.output.files import draft_file, whole_file
from detector.output.kinds import begins_with, file_kind
from tests.output.surroundings import mounted

TEXT = file_kind("a text of ours", begins_with(b"ours"))


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_file_is_not_seen_before_it_is_whole_and_replaces_the_former_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a" / "file"
    for text in (b"first", b"second"):
        with whole_file(path) as file:
            before = path.read_bytes() if path.exists() else b""
            file.write(text)
            file.flush()
            assert (path.read_bytes() if path.exists() else b"") == before
        assert path.read_bytes() == text
    assert names(path.parent) == ["file"]


def write(path: Path, text: bytes, error: Exception | None = None) -> None:
    with whole_file(path) as file:
        file.write(text)
        if error:
            raise error


def test_an_error_leaves_the_former_and_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("first")
    for path in (tmp_path / "file", tmp_path / "new" / "file"):
        with pytest.raises(ZeroDivisionError):
            write(path, b"half", ZeroDivisionError())
    assert (names(tmp_path), (tmp_path / "file").read_text()) == (["file"], "first")


def test_a_full_disk_leaves_the_former() -> None:
    with mounted("size=128k") as disk:
        (disk / "file").write_text("first")
        with pytest.raises(OSError, match="No space left"):
            write(disk / "file", bytes(1 << 20))
        assert (names(disk), (disk / "file").read_text()) == (["file"], "first")


def test_the_mode_is_that_of_the_former_or_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with whole_file(tmp_path / "new"):
            pass
        (tmp_path / "old").touch(0o600)
        with whole_file(tmp_path / "old"):
            pass
    finally:
        os.umask(before)
    assert oct((tmp_path / "new").stat().st_mode & 0o777) == "0o640"
    assert oct((tmp_path / "old").stat().st_mode & 0o777) == "0o600"


def test_a_link_keeps_pointing_at_the_file_that_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for link, target in (("link", "folder/file"), ("dangling", "folder/new")):
        (tmp_path / link).symlink_to(target)
        with whole_file(tmp_path / link) as file:
            file.write(b"text")
        assert os.readlink(tmp_path / link) == target
        assert (tmp_path / target).read_bytes() == b"text"


def test_where_no_file_can_be_without_a_name_a_draft_does(tmp_path: Path) -> None:
    draft = draft_path(tmp_path / "file")
    draft.write_text("left by a killed run")
    with draft_file(tmp_path / "file") as file:
        file.write(b"half")
        assert names(tmp_path) == [draft.name]
    assert names(tmp_path) == []


def test_a_left_draft_does_not_hinder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("ours")
    draft_path(tmp_path / "file").write_text("left by a killed run")
    with claimed(tmp_path / "file", TEXT), whole_file(tmp_path / "file") as file:
        file.write(b"ours, new")
    assert (names(tmp_path), (tmp_path / "file").read_text()) == (["file"], "ours, new")


def test_one_file_cannot_be_two_outputs(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    for second in ("file", "link"):
        with pytest.raises(OutputError, match=f"{second}: is .*reads or writes"):
            claimed_files([(tmp_path / "file", TEXT), (tmp_path / second, TEXT)]).__enter__()
    with claimed_files([(Path("/dev/null"), TEXT), (Path("/dev/null"), TEXT)]):
        pass


def test_a_file_in_a_shared_folder_is_judged_with_the_folder(tmp_path: Path) -> None:
    with claimed_folder(tmp_path / "new", {"file": TEXT}), claimed_folder(tmp_path, {"file": TEXT}):
        pass
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="is not a text of ours"):
        claimed_folder(tmp_path, {"file": TEXT}).__enter__()


PROGRAM = """
import sys
from pathlib import Path
from detector.output.files import whole_file
print("before")
with whole_file(Path(sys.argv[1])) as file:
    file.write(b"document\\n")
print("after")
"""


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("redirected", [True, False])
def test_standard_output_is_written_in_its_turn(name: str, redirected: bool, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, name]
    if redirected:
        with (tmp_path / "log").open("w") as log:
            subprocess.run(command, stdout=log, check=True)
        text = (tmp_path / "log").read_text()
    else:
        text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert text == "before\ndocument\nafter\n"


def test_a_pipe_is_written_directly(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with claimed(tmp_path / "pipe", TEXT), whole_file(tmp_path / "pipe") as file:
        file.write(b"text")
    assert os.read(reader, 100) == b"text"
    os.close(reader)
    assert names(tmp_path) == ["pipe"]

"""An output path is judged before the work: what a person could lose, or could not be written, is one sentence."""

import os
import re
import socket
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from detector.errors import OutputError
from detector.output.judgement import judge
from detector.output.kinds import OutputKind
from tests.output.kinds import ALL, FILES_WRITTEN, FOLDERS, Writer
from tests.output.surroundings import as_nobody, mounted, open_folder

__all__ = ["open_folder"]

REPLACED = {name: writer for name, writer in ALL.items() if writer.kind.form == "replaced folder"}
STRICT = FOLDERS | FILES_WRITTEN


def parametrized(writers: dict[str, Writer]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("writer", writers.values(), ids=writers.keys())


REMEDY = re.compile(r"; (give|name|make room|mount) ")


def refusal(path: Path, kind: OutputKind, *inputs: Path, bytes_needed: int = 0) -> str:
    """Return the sentence of a refusal, or nothing."""
    try:
        judge(path, kind, inputs, bytes_needed)
    except OutputError as error:
        sentence = str(error)
    else:
        return ""
    assert "\n" not in sentence
    assert REMEDY.search(sentence), sentence
    return sentence


@parametrized(ALL)
def test_a_judgement_changes_nothing(writer: Writer, tmp_path: Path) -> None:
    writer.write(tmp_path / "earlier")
    before = {path: path.lstat().st_mtime_ns for path in (tmp_path, *tmp_path.rglob("*"))}
    for name in ("earlier", "new", "a/b/c", "earlier/below"):
        refusal(tmp_path / name, writer.kind)
    after = {path: path.lstat().st_mtime_ns for path in (tmp_path, *tmp_path.rglob("*"))}
    assert after == before


@parametrized(ALL)
def test_a_free_name_an_empty_output_and_an_earlier_output_are_good(writer: Writer, tmp_path: Path) -> None:
    assert not refusal(tmp_path / "free", writer.kind)
    assert not refusal(tmp_path / "ä name with spaces\n", writer.kind)
    empty = tmp_path / "empty"
    empty.touch() if writer.kind.form == "file" else empty.mkdir()
    assert not refusal(empty, writer.kind)
    writer.write(tmp_path / "earlier")
    assert not refusal(tmp_path / "earlier", writer.kind)


@parametrized(ALL)
def test_missing_folders_above_are_made_for_a_folder_and_not_for_a_file(writer: Writer, tmp_path: Path) -> None:
    told = refusal(tmp_path / "a" / "b" / "c", writer.kind)
    assert ("No such file or directory" in told) == (writer.kind.form == "file")


def thesis(path: Path) -> None:
    path.mkdir()
    (path / "thesis.txt").write_text("mine")


def folder_around(path: Path) -> None:
    path.mkdir()
    (path / "tuesday").mkdir()


def hidden(path: Path) -> None:
    path.mkdir()
    (path / ".git").mkdir()


@parametrized(FOLDERS)
@pytest.mark.parametrize("make", [thesis, folder_around, hidden])
def test_a_folder_of_other_things_is_refused(make: Callable[[Path], None], writer: Writer, tmp_path: Path) -> None:
    make(tmp_path / "out")
    assert str(tmp_path / "out") in refusal(tmp_path / "out", writer.kind)


@parametrized(FOLDERS)
def test_an_output_of_another_kind_is_refused(writer: Writer, tmp_path: Path) -> None:
    for number, other in enumerate(FOLDERS.values()):
        if other.kind is not writer.kind:
            other.write(tmp_path / str(number))
            assert refusal(tmp_path / str(number), writer.kind), other.kind.noun


@parametrized({name: FOLDERS[name] for name in ("train, adapt", "train: OUT.training", "demo")})
def test_a_foreign_file_in_an_output_that_is_removed_is_refused(writer: Writer, tmp_path: Path) -> None:
    writer.write(tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("important")
    assert "holds notes.txt" in refusal(tmp_path / "out", writer.kind)


@pytest.mark.parametrize(
    "content", [b"mine", b"{}", b'{"a": 1}\n', b"PK\x05\x06" + bytes(18), b"\x89PNG\r\n", b"\0" * 99]
)
@parametrized(FILES_WRITTEN)
def test_a_file_that_is_not_recognised_is_refused(content: bytes, writer: Writer, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(content)
    assert f"is not {writer.kind.noun}" in refusal(tmp_path / "out", writer.kind)


@parametrized(FILES_WRITTEN)
def test_a_file_of_another_kind_is_refused(writer: Writer, tmp_path: Path) -> None:
    for number, other in enumerate(FILES_WRITTEN.values()):
        other.write(tmp_path / str(number))
        assert bool(refusal(tmp_path / str(number), writer.kind)) == (other.kind is not writer.kind)


@parametrized(ALL)
def test_a_file_for_a_folder_and_a_folder_for_a_file_are_refused(writer: Writer, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    path = tmp_path / ("folder" if writer.kind.form == "file" else "file")
    assert re.search(r"\((Is|Not) a directory\)", refusal(path, writer.kind))
    assert "Not a directory" in refusal(tmp_path / "file" / "below", writer.kind)


@parametrized(ALL)
def test_names_that_no_file_has_are_refused(writer: Writer, tmp_path: Path) -> None:
    assert "NUL" in refusal(tmp_path / "a\0b", writer.kind)
    assert "File name too long" in refusal(tmp_path / ("x" * 256), writer.kind)
    assert not refusal(tmp_path / ("x" * 255), writer.kind)


@parametrized(ALL)
def test_links_are_followed_and_a_loop_is_refused(writer: Writer, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert "Too many levels of symbolic links" in refusal(tmp_path / "loop", writer.kind)
    (tmp_path / "dangling").symlink_to("nothing")
    assert not refusal(tmp_path / "dangling", writer.kind)
    writer.write(tmp_path / "earlier")
    (tmp_path / "link").symlink_to("earlier")
    assert not refusal(tmp_path / "link", writer.kind)


@parametrized(STRICT)
def test_a_link_to_something_else_is_refused(writer: Writer, tmp_path: Path) -> None:
    path = tmp_path / "other"
    thesis(path) if writer.kind.form != "file" else path.write_text("mine")
    (tmp_path / "link").symlink_to(path)
    assert refusal(tmp_path / "link", writer.kind)


@parametrized(ALL)
def test_an_input_and_what_lies_in_it_are_refused(writer: Writer, tmp_path: Path) -> None:
    writer.write(tmp_path / "input")
    (tmp_path / "link").symlink_to("input")
    for path in (tmp_path / "input", tmp_path / "link", tmp_path / "x" / ".." / "input"):
        assert "which this command reads" in refusal(path, writer.kind, tmp_path / "link")
    history = tmp_path / "history"
    history.mkdir()
    assert f"lies in {history}" in refusal(history / "out", writer.kind, history)
    assert not refusal(tmp_path / "out", writer.kind, history, tmp_path / "missing")


@parametrized(REPLACED)
def test_a_folder_around_an_input_is_refused(writer: Writer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    writer.write(out)
    assert f"holds {out / 'bundle'}" in refusal(out, writer.kind, out / "bundle")


@contextmanager
def inside(folder: Path):
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@parametrized(REPLACED)
@pytest.mark.parametrize("name", ["", ".", "./", "..", "/", "~", "/tmp/.."])
def test_the_current_the_home_and_the_root_folder_are_refused(
    name: str, writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with inside(tmp_path / "here"):
        assert re.search("is the|holds the", refusal(Path(name).expanduser(), writer.kind))


@parametrized(ALL)
def test_a_folder_that_may_not_be_written_is_refused(writer: Writer, open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    locked = open_folder / "locked"
    locked.mkdir()
    locked.chmod(0)
    with as_nobody():
        assert "Permission denied" in refusal(closed / "out", writer.kind)
        assert "Permission denied" in refusal(locked / "out", writer.kind)
    locked.chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")
@parametrized(REPLACED | FILES_WRITTEN)
def test_another_user_s_output_in_a_shared_folder_is_refused(writer: Writer, open_folder: Path) -> None:
    writer.write(open_folder / "out")
    for path in (open_folder / "out", *(open_folder / "out").rglob("*")):
        path.chmod(0o777)
    open_folder.chmod(0o1777)
    with as_nobody():
        assert "Operation not permitted" in refusal(open_folder / "out", writer.kind)


@parametrized(ALL)
def test_a_read_only_and_a_full_file_system_are_refused(writer: Writer) -> None:
    with mounted("ro") as folder:
        assert "Read-only file system" in refusal(folder / "out", writer.kind)
    with mounted("size=64k") as folder:
        (folder / "ballast").write_bytes(bytes(1 << 15))
        assert re.search(r"needs about [\d.]+ MB, and its disk has 0\.0 MB", refusal(folder / "out", writer.kind))
    with mounted("size=4m,nr_inodes=2") as folder:
        (folder / "last").touch()
        assert "No " in refusal(folder / "out", writer.kind)


@parametrized(ALL)
def test_less_room_than_the_output_needs_is_refused(writer: Writer, tmp_path: Path) -> None:
    assert "needs about 1,000,000,000.0 MB" in refusal(tmp_path / "out", writer.kind, bytes_needed=10**15)


@parametrized(REPLACED)
def test_a_mount_point_is_refused(writer: Writer) -> None:
    with mounted("size=4m") as folder:
        assert "is a mount point" in refusal(folder, writer.kind)


@parametrized(FILES_WRITTEN)
def test_streams_are_good_for_a_file_and_sockets_are_not(writer: Writer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/null", "/dev/full", tmp_path / "pipe"):
        assert not refusal(Path(path), writer.kind)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        assert "is a socket" in refusal(tmp_path / "socket", writer.kind)


@parametrized(FOLDERS)
def test_streams_are_no_folders(writer: Writer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/null", "/dev/null/x", tmp_path / "pipe"):
        assert "Not a directory" in refusal(Path(path), writer.kind)


@pytest.mark.parametrize("writable", [True, False])
def test_a_file_that_may_not_be_written_is_refused(writable: bool, open_folder: Path) -> None:
    writer = FILES_WRITTEN["replay --report"]
    writer.write(open_folder / "out")
    open_folder.chmod(0o777)
    (open_folder / "out").chmod(0o666 if writable else 0o444)
    with as_nobody() if os.geteuid() == 0 else nullcontext():
        assert bool(refusal(open_folder / "out", writer.kind)) == (not writable)

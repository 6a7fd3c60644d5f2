"""A folder is replaced in one step at the very end; a crash, a signal or a full disk before that leaves the former."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from detector.bundle.recognition import BUNDLE
from detector.errors import OutputError
from detector.output.claim import claimed
from detector.output.drafts import draft_path, former_path, lock, recover
from detector.output.folders import replace_in_two_renames, replaced_folder
from detector.output.rename import exchange
from detector.output.signals import TERMINATED, deferred_signals, sigterm_as_exit
from tests.output.kinds import fill_bundle
from tests.output.surroundings import mounted

FORKED = multiprocessing.get_context("fork")


def write(path: Path, text: str, meanwhile: Callable[[Path], object] = lambda draft: None) -> None:
    """Write a bundle, and do something while its draft is there."""
    with claimed(path, BUNDLE), replaced_folder(path, BUNDLE) as draft:
        fill_bundle(draft, text)
        meanwhile(draft)


def content(path: Path) -> str:
    """Return which bundle is at the path, whole."""
    assert not BUNDLE.foreign_content(path)
    return (path / "manifest.json").read_text().split()[0]


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_bundle_is_replaced_by_the_next_and_nothing_else_stays(tmp_path: Path) -> None:
    for text in ("first", "second", "third"):
        write(tmp_path / "a" / "bundle", text)
        assert content(tmp_path / "a" / "bundle") == text
    assert names(tmp_path / "a") == ["bundle"]


def test_an_error_on_the_way_leaves_the_former(tmp_path: Path) -> None:
    write(tmp_path / "bundle", "first")
    with pytest.raises(ZeroDivisionError):
        write(tmp_path / "bundle", "second", lambda _: 1 // 0)
    assert (content(tmp_path / "bundle"), names(tmp_path)) == ("first", ["bundle"])


def test_what_was_put_into_the_former_meanwhile_is_not_lost(tmp_path: Path) -> None:
    write(tmp_path / "bundle", "first")
    with pytest.raises(OutputError, match="holds notes"):
        write(tmp_path / "bundle", "second", lambda _: (tmp_path / "bundle" / "notes").touch())
    assert names(tmp_path) == ["bundle"]
    assert (tmp_path / "bundle" / "notes").exists()


def test_a_full_disk_leaves_the_former(tmp_path: Path) -> None:
    with mounted("size=256k") as disk:
        write(disk / "bundle", "first")
        with pytest.raises(OutputError, match=r"bundle: cannot be written \(No space left on device\)"):
            write(disk / "bundle", "second", lambda draft: (draft / "weights.npz").write_bytes(bytes(1 << 20)))
        assert (content(disk / "bundle"), names(disk)) == ("first", ["bundle"])


@pytest.mark.parametrize(("before", "after"), [("serving", "serving-2"), ("serving-1", "serving-2"), ("v-9", "v-10")])
def test_a_link_is_moved_to_a_new_bundle_beside_the_one_it_points_at(before: str, after: str, tmp_path: Path) -> None:
    write(tmp_path / "bundles" / before, "first")
    link = tmp_path / "current"
    link.symlink_to(f"bundles/{before}")

    write(link, "second")

    assert os.readlink(link) == f"bundles/{after}"
    assert (content(link), content(tmp_path / "bundles" / before)) == ("second", "first")
    assert (names(tmp_path), names(tmp_path / "bundles")) == (["bundles", "current"], sorted([before, after]))


def test_a_number_that_is_taken_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "bundle-1", "first")
    (tmp_path / "bundle-2").write_text("mine")
    (tmp_path / "link").symlink_to("bundle-1")
    write(tmp_path / "link", "second")
    assert os.readlink(tmp_path / "link") == "bundle-3"
    assert (tmp_path / "bundle-2").read_text() == "mine"


def test_a_link_to_nothing_gets_its_bundle(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("bundle-1")
    write(tmp_path / "link", "first")
    assert (os.readlink(tmp_path / "link"), content(tmp_path / "bundle-1")) == ("bundle-1", "first")


def test_two_names_are_exchanged_in_one_step_or_not_at_all(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if exchange(tmp_path / "a", tmp_path / "b"):
        assert names(tmp_path / "a") == ["b"]
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "a", tmp_path / "none")


def test_without_an_exchange_two_renames_do(tmp_path: Path) -> None:
    for name in ("draft", "bundle"):
        (tmp_path / name).mkdir()
        fill_bundle(tmp_path / name, name)
    replace_in_two_renames(tmp_path / "draft", tmp_path / "bundle")
    assert (content(tmp_path / "bundle"), names(tmp_path)) == ("draft", ["bundle"])


def test_a_crash_between_two_renames_is_made_good_by_the_next_claim(tmp_path: Path) -> None:
    write(tmp_path / "bundle", "first")
    (tmp_path / "bundle").rename(former_path(tmp_path / "bundle"))
    draft_path(tmp_path / "bundle").mkdir()
    with claimed(tmp_path / "bundle", BUNDLE):
        assert (content(tmp_path / "bundle"), names(tmp_path)) == ("first", ["bundle"])


@pytest.mark.parametrize("name", ["bundle", "b" * 250])
def test_a_killed_run_s_drafts_are_removed_by_the_next_claim(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write(path, "first")
    draft_path(path).mkdir()
    fill_bundle(draft_path(path), "half")
    former_path(path).mkdir()
    (tmp_path / f".{name[:20]}-others").mkdir()
    with claimed(path, BUNDLE):
        assert names(tmp_path) == sorted([name, f".{name[:20]}-others"])
    assert content(path) == "first"


def test_a_draft_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    draft = draft_path(tmp_path / "bundle")
    draft.mkdir()
    handle = os.open(draft, os.O_RDONLY)
    lock(handle, draft)
    with pytest.raises(OutputError, match="is being written by another process"), claimed(tmp_path / "bundle", BUNDLE):
        pass
    os.close(handle)
    recover(tmp_path / "bundle")
    assert names(tmp_path) == []


def test_a_second_run_on_the_same_output_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "folder").mkdir()
    with claimed(tmp_path / "folder" / "out", BUNDLE):
        with pytest.raises(OutputError, match="another process is at work"):
            claimed(tmp_path / "link" / "out", BUNDLE).__enter__()
        with claimed(tmp_path / "folder" / "other", BUNDLE):
            pass
    with claimed(tmp_path / "link" / "out", BUNDLE):
        pass


def hold(path: Path, ready: "multiprocessing.synchronize.Event") -> None:
    def wait(_: Path) -> None:
        ready.set()
        signal.pause()

    signal.signal(signal.SIGINT, signal.default_int_handler)  # under nohup, and in the background, it is ignored
    write(path, "second", wait)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_the_former_and_a_free_output(number: signal.Signals, tmp_path: Path) -> None:
    write(tmp_path / "bundle", "first")
    ready = FORKED.Event()
    process = FORKED.Process(target=hold, args=(tmp_path / "bundle", ready))
    process.start()
    assert ready.wait(60)
    os.kill(process.pid or 0, number)
    process.join(60)
    assert process.exitcode == {signal.SIGKILL: -9, signal.SIGTERM: TERMINATED, signal.SIGINT: 1}[number]
    assert content(tmp_path / "bundle") == "first"
    assert (len(names(tmp_path)) == 1) == (number != signal.SIGKILL)
    write(tmp_path / "bundle", "third")
    assert (content(tmp_path / "bundle"), names(tmp_path)) == ("third", ["bundle"])


def test_signals_wait_for_the_end_of_steps_that_belong_together() -> None:
    steps = []

    def take() -> None:
        with sigterm_as_exit(), deferred_signals():
            signal.raise_signal(signal.SIGTERM)
            steps.append("both")

    with pytest.raises(SystemExit):
        take()
    assert steps == ["both"]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

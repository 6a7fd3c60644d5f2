"""Folders as outputs: a new one is written beside the former, and takes its name in one step when it is whole.

The two names are exchanged (`renameat2`), so at any moment, a power failure included, the path holds one of the two
folders whole. File systems without an exchange, such as NFS, need two renames; `recover` puts the former folder back
after a crash between them. A link gets a new folder beside the one that it points at, and is moved at the end.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from detector.output.drafts import draft_path, former_path, lock, recover, remove
from detector.output.judgement import judge, refuse_foreign, unwritable
from detector.output.kinds import OutputKind
from detector.output.rename import exchange, point_link, sync, sync_folder
from detector.output.signals import deferred_signals, sigterm_as_exit
from detector.output.targets import replacement_target


@contextmanager
def replaced_folder(path: Path, kind: OutputKind) -> Iterator[Path]:
    """Yield an empty folder to fill; it takes its place at `path` at the end, after an error nothing is changed.

    What is at `path` is judged before and again at the end. Raises OutputError.
    """
    judge(path, kind)
    try:
        target = replacement_target(path)
        for name in (path, target):
            recover(name)
        with _locked_folder(draft_path(target)) as draft:
            yield draft
            sync_folder(draft)
            refuse_foreign(path, kind)
            with deferred_signals():
                _move(draft, target)
                if path.is_symlink() and Path(os.path.realpath(path)) != target:
                    point_link(path, target, draft_path(path))
    except OSError as error:
        raise unwritable(path, kind, error) from None


@contextmanager
def _locked_folder(draft: Path) -> Iterator[Path]:
    """Make a draft folder and hold its lock; at the end, remove what has its name then. Raises OSError, OutputError."""
    draft.parent.mkdir(parents=True, exist_ok=True)
    with sigterm_as_exit():
        handle = -1
        try:
            with deferred_signals():
                draft.mkdir()
                handle = os.open(draft, os.O_RDONLY | os.O_DIRECTORY)
            lock(handle, draft)
            yield draft
        finally:
            if handle >= 0:  # else the draft is another process's
                with deferred_signals():
                    remove(draft)
                    os.close(handle)


def _move(draft: Path, target: Path) -> None:
    """Put the draft in the target's place. A former folder has the draft's name afterwards. Raises OSError."""
    if not target.exists():
        os.rename(draft, target)
    elif not exchange(draft, target):
        replace_in_two_renames(draft, target)
    sync(target.parent)


def replace_in_two_renames(draft: Path, target: Path) -> None:
    """Replace a folder where names cannot be exchanged; for a moment nothing is at the target. Raises OSError."""
    former = former_path(target)
    os.rename(target, former)
    try:
        os.rename(draft, target)
    except OSError:
        os.rename(former, target)
        raise
    remove(former)

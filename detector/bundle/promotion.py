"""Which bundle serves: a link, and beside it the link that remembers the one before.

Both are moved by renaming: there is no moment without a bundle. An instance that looks at the link takes the other one
over between two polls, a partition at one offset, and every alarm names the bundle that judged it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from detector.bundle.format import Bundle
from detector.bundle.verification import open_bundle
from detector.errors import BundleError


@dataclass(frozen=True)
class Promoted:
    """What serves now, and what did before."""

    bundle: Bundle
    before: str
    """Where it lies."""


def promote(link: Path, bundle: Path, threads: int) -> Promoted:
    """Points the link at another bundle, once it is proven whole on this machine and of the same features.

    Raises BundleError.
    """
    before = _target(link)
    coming, _ = open_bundle(bundle, threads)
    if bundle.resolve() == before:
        raise BundleError(f"{bundle}: serves already.")
    serving, _ = open_bundle(link, threads)
    if coming.catalogue != serving.catalogue:
        raise BundleError(
            f"{bundle}: has other features than {link}, or in another order; feed, labels and bundle change together,"
            " so stop all instances, set `bundle`, and start them.",
            "catalogue",
        )
    _point(_memory(link), before)
    _point(link, bundle.resolve())
    return Promoted(coming, str(before))


def rollback(link: Path, threads: int) -> Promoted:
    """Points the link back; once more, and the promotion is made anew. Raises BundleError."""
    serving, memory = _target(link), _memory(link)
    if not memory.is_symlink() or memory.resolve() == serving:
        raise BundleError(f"{link}: no other bundle is remembered; `faultline promote` names the one to take.")
    before = memory.resolve()
    bundle, _ = open_bundle(before, threads)
    _point(link, before)
    _point(memory, serving)
    return Promoted(bundle, str(serving))


def _memory(link: Path) -> Path:
    return link.with_name(f"{link.name}.before")


def _target(link: Path) -> Path:
    if not link.is_symlink():
        raise BundleError(
            f"{link}: is no link, and only a link is changed in one step; move the bundle to a folder of its own, link"
            f" to it (`mv {link} {link}-1 && ln -s {link.name}-1 {link}`), and promote again."
        )
    return link.resolve()


def _point(link: Path, target: Path) -> None:
    """Relative where it lies beside the link, so that the folder of bundles can be mounted elsewhere."""
    home = link.parent.resolve()
    told = target.relative_to(home) if target.is_relative_to(home) else target
    draft = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        draft.symlink_to(told)
        os.replace(draft, link)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise BundleError(f"{link}: cannot be changed ({error.strerror}); let this user write to {home}.") from None

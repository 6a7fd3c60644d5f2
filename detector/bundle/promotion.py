"""Promotion and rollback of bundles: a link names the bundle that serves, a second link the bundle before it.

Both links change by a rename, so there is always a bundle. A running instance reads the link and takes the new bundle
over between two polls, each partition at one offset. Every alarm names the bundle that judged it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detector.bundle.format import Bundle
from detector.bundle.verification import open_bundle
from detector.errors import BundleError
from detector.signatures import PublicKey


@dataclass(frozen=True)
class Promotion:
    """Bundle that serves now, with the directory of the bundle before it."""

    bundle: Bundle
    previous: str


def promote(link: Path, bundle: Path, threads: int, trusted: Sequence[PublicKey] = ()) -> Promotion:
    """Point the link at another bundle after its verification on this machine; its features must be the same.

    Raises BundleError.
    """
    previous = _target(link)
    candidate, _ = open_bundle(bundle, threads, trusted)
    if bundle.resolve() == previous:
        raise BundleError(f"{bundle}: serves already; name another bundle.")
    serving, _ = open_bundle(link, threads)  # it serves already, maybe since before keys were trusted
    if candidate.catalogue != serving.catalogue:
        raise BundleError(
            f"{bundle}: has other features than {link}, or in another order; feed, labels and bundle change together,"
            " so stop all instances, set `bundle`, and start them.",
            "catalogue",
        )
    _replace_link(_previous_link(link), previous)
    _replace_link(link, bundle.resolve())
    return Promotion(candidate, str(previous))


def rollback(link: Path, threads: int, trusted: Sequence[PublicKey] = ()) -> Promotion:
    """Point the link back at the previous bundle; a second rollback undoes the first. Raises BundleError."""
    serving, previous_link = _target(link), _previous_link(link)
    if not previous_link.is_symlink() or previous_link.resolve() == serving:
        raise BundleError(
            f"{link}: no previous bundle is recorded in {previous_link.name}; name a bundle with `faultline promote`."
        )
    previous = previous_link.resolve()
    bundle, _ = open_bundle(previous, threads, trusted)
    _replace_link(link, previous)
    _replace_link(previous_link, serving)
    return Promotion(bundle, str(serving))


def _previous_link(link: Path) -> Path:
    return link.with_name(f"{link.name}.before")


def _target(link: Path) -> Path:
    if not link.is_symlink():
        raise BundleError(
            f"{link}: is no link, and only a link can be replaced in one step; move the bundle to a folder of its own,"
            f" link to it (`mv {link} {link}-1 && ln -s {link.name}-1 {link}`), and promote again."
        )
    return link.resolve()


def _replace_link(link: Path, target: Path) -> None:
    """Point the link at the target: relatively inside its own folder, so that the folder can be mounted elsewhere."""
    folder = link.parent.resolve()
    address = target.relative_to(folder) if target.is_relative_to(folder) else target
    draft = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        draft.symlink_to(address)
        os.replace(draft, link)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise BundleError(f"{link}: cannot be changed ({error.strerror}); let this user write to {folder}.") from None

"""Promotion and rollback of bundles: a link names the bundle that serves, a second link the bundle before it.

Both links change by a rename, so there is always a bundle. A running instance reads the link and takes the new bundle
over between two polls, each partition at one offset. Every alarm names the bundle that judged it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detector.bundle.format import Bundle, read_bundle
from detector.bundle.serving_link import previous_link, replace_link
from detector.bundle.verification import open_bundle, start_encoder
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
    candidate = read_bundle(bundle, trusted)
    if bundle.resolve() == previous:
        raise BundleError(f"{bundle}: serves already; name another bundle.")
    serving = read_bundle(link)  # it serves already, maybe since before keys were trusted
    if candidate.catalogue != serving.catalogue:
        raise BundleError(
            f"{bundle}: has other features than {link}, or in another order; feed, labels and bundle change together,"
            " so stop all instances, set `bundle`, and start them.",
            "catalogue",
        )
    start_encoder(candidate, bundle, threads)  # last: all else is refused without waiting for it
    replace_link(previous_link(link), previous)
    replace_link(link, bundle.resolve())
    return Promotion(candidate, str(previous))


def rollback(link: Path, threads: int, trusted: Sequence[PublicKey] = ()) -> Promotion:
    """Point the link back at the previous bundle; a second rollback undoes the first. Raises BundleError."""
    serving, before = _target(link), previous_link(link)
    if not before.is_symlink() or before.resolve() == serving:
        raise BundleError(
            f"{link}: no previous bundle is recorded in {before.name}; name a bundle with `faultline promote`."
        )
    previous = before.resolve()
    bundle, _ = open_bundle(previous, threads, trusted)
    replace_link(link, previous)
    replace_link(before, serving)
    return Promotion(bundle, str(serving))


def _target(link: Path) -> Path:
    if not link.is_symlink():
        raise BundleError(
            f"{link}: is no link, and only a link can be replaced in one step; move the bundle to a folder of its own,"
            f" link to it (`mv {link} {link}-1 && ln -s {link.name}-1 {link}`), and promote again."
        )
    return link.resolve()

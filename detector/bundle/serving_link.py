"""Serving link: the link that names the bundle in service, and the link beside it to the bundle before."""

from pathlib import Path

from detector.errors import BundleError
from detector.output.drafts import draft_path, recover
from detector.output.rename import point_link


def previous_link(link: Path) -> Path:
    """Return the path of the link to the bundle before."""
    return link.with_name(f"{link.name}.before")


def replace_link(link: Path, target: Path) -> None:
    """Point the link at the target in one step. Raises BundleError."""
    try:
        recover(link)
        point_link(link, target, draft_path(link))
    except OSError as error:
        raise BundleError(
            f"{link}: cannot be changed ({error.strerror}); let this user write to {link.parent.resolve()}."
        ) from None


def record_previous(link: Path, previous: Path) -> None:
    """Record which bundle a moved link pointed at before, where a promotion has begun such a record.

    Raises BundleError.
    """
    if previous_link(link).is_symlink() and link.resolve() != previous and previous.is_dir():
        replace_link(previous_link(link), previous)

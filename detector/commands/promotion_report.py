"""Report of `faultline promote` and `rollback`: the bundle that serves, and the one before it."""

from detector.bundle.promotion import Promotion
from detector.commands.documents import PromotionDocument
from detector.config.schema import Config
from detector.json_document import make_document
from detector.terminal import print_document, print_line


def print_promotion(config: Config, promotion: Promotion, since: str, *, json: bool) -> None:
    """Print what the link points at, and when running instances take it over."""
    if json:
        fields = {"link": config.bundle, "bundle": promotion.bundle.digest, "previous": promotion.previous}
        print_document(make_document(PromotionDocument, **fields, reload_seconds=config.runtime.reload_seconds))
        return
    print_line(f"{config.bundle}: points at bundle {promotion.bundle.digest} {since}, instead of {promotion.previous}")
    print_line(f"running instances take it over; each looks at the link every {config.runtime.reload_seconds:g} s")

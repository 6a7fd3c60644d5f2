"""Trust: the keys that bundles and packs must be signed by, as `faultline check` tells of them."""

from detector.config.schema import Config
from detector.finding import Finding


def trust_findings(config: Config) -> list[Finding]:
    """Return a warning where no key is trusted, else the ids of the trusted keys."""
    ids = [key.id for key in config.trusted_keys]
    if not ids:
        text = (
            f"no key is trusted, so whoever can write to {config.bundle}, or send a pack, decides what raises an alarm;"
            " sign bundles and packs with --sign, and list the public keys under `trust`."
        )
        return [Finding("trust", "warning", text)]
    return [Finding("trust", "ok", f"only bundles and packs signed by {' or '.join(ids)} are taken.")]

"""Report of `faultline forget`: the label that was retired."""

from detector.commands.documents import ForgottenDocument
from detector.config.schema import Config
from detector.json_document import make_document
from detector.teaching.retirement import nearest_label, retire_label
from detector.terminal import print_document, print_line, print_notice


def print_retirement(config: Config, identity: str, *, json: bool) -> bool:
    """Retire the label and print it; return whether there is such a label. Raises OperatorError."""
    label = retire_label(config, identity)
    if label is None:
        hint = nearest_label(config, identity)
        print_notice(f"faultline: no label has the id {identity!r}; `faultline labels` prints all ids.{hint}")
    if json:
        found = {"id": label.id, "class": label.name, "cell": label.cell} if label else {"id": identity}
        print_document(make_document(ForgottenDocument, {"class": "", "cell": "", **found}, retired=label is not None))
    elif label is not None:
        cell = f", {label.cell}" if label.cell else ""
        print_line(f"retired label {label.id} ({label.name or 'unreadable'}{cell})")
    return label is not None

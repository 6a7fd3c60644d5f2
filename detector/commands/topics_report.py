"""Report of `faultline topics`: each topic with its partitions, and whether it was created now."""

from collections.abc import Collection, Mapping

from detector.commands.documents import TopicsDocument
from detector.json_document import make_document
from detector.terminal import print_document, print_table, text_column


def print_topics(
    names: Collection[str], partitions: Mapping[str, int], created: Collection[str], *, json: bool
) -> None:
    """Print the topics in this order; one without partitions is missing."""
    if json:
        topics = [{"name": name, "partitions": partitions.get(name), "created": name in created} for name in names]
        print_document(make_document(TopicsDocument, topics=topics))
        return
    rows = []
    for name in names:
        state = f"{partitions[name]} partitions" if name in partitions else "missing"
        rows.append((name, f"{state} (created)" if name in created else state))
    print_table([text_column("topic"), text_column("state")], rows)

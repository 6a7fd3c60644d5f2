"""Text in columns of a fixed width."""


def truncate(text: str, width: int) -> str:
    """Return the text in at most `width` characters; a shortened one ends in an ellipsis."""
    return text if len(text) <= width else f"{text[: width - 1]}…"

"""Catalogue files: the YAML of a network's features becomes a `Catalogue`, or a sentence for each mistake.

A file is a mapping of `period_minutes`, `stamp` and `features`, or the list of features alone, as files of earlier
versions are: a period of one minute, stamped with its begin.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from detector.config.catalogue_rules import CatalogueMistakes, feature_mistakes, header_mistakes
from detector.errors import ConfigError
from detector.strict_yaml.conversion import convert
from detector.strict_yaml.document import Keys, Mark, Mistake, YamlDocument, YamlError, YamlNode
from detector.strict_yaml.reader import read_document
from detector.strict_yaml.writer import write_yaml

if TYPE_CHECKING:
    from detector.core.features import Catalogue, Feature

_FEATURES = ("features",)


def read_catalogue(path: Path) -> "Catalogue":
    """Return the catalogue at `path`, its features in the order of the file. Raises ConfigError with all mistakes."""
    from detector.core.features import Catalogue, Feature  # numpy, which a configuration needs not

    try:
        document = read_document(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        raise ConfigError(f"{path}: cannot be read ({reason}); put the catalogue of the features there.") from None
    if document.root.value is None:
        document.check(*(Mistake(document.root.mark, text) for _, text in feature_mistakes([])))
    is_list = isinstance(document.root.value, list)
    _check(document, _document_form(Feature, is_list=is_list), () if is_list else _FEATURES)
    if is_list:
        return Catalogue(tuple(convert(document, list[Feature])))
    content: Any = convert(document, _document_form(Feature, is_list=False))
    return Catalogue(tuple(content.features), content.period_minutes, content.stamp)


def catalogue_yaml(catalogue: "Catalogue") -> str:
    """Return the catalogue as YAML, in the form that `read_catalogue` reads."""
    features = [msgspec.to_builtins(feature) for feature in catalogue.features]
    return write_yaml(
        {"period_minutes": catalogue.period_minutes, "stamp": catalogue.stamp, "features": features},
    )


def _document_form(feature: type["Feature"], *, is_list: bool) -> Any:
    """Return the type of a file: a list of features, or a mapping."""
    if is_list:
        return list[feature]  # type: ignore[valid-type]  # a class that is imported where a catalogue is read
    period = Annotated[int, msgspec.Meta(extra={"allowed": "1, 5, 15, 30 or 60, in minutes"})]
    fields: list[Any] = [
        ("features", list[feature]),  # type: ignore[valid-type]
        ("period_minutes", period, 1),
        ("stamp", str, "begin"),
    ]
    return msgspec.defstruct("CatalogueFile", fields, forbid_unknown_fields=True)


def _check(document: YamlDocument, form: Any, prefix: Keys) -> None:
    """Check a document by its form and by the rules. Raises YamlError with the mistakes of both."""
    mistakes: list[Mistake] = []
    try:
        convert(document, form)
    except YamlError as error:
        mistakes.extend(error.mistakes)
    root = document.root.builtins()
    listed = document.find(prefix)[0].value
    if isinstance(listed, list):
        known = {mistake.mark for mistake in mistakes}
        rows = [node.builtins() if isinstance(node.value, dict) else {} for node in listed]
        mistakes.extend(_placed(document, prefix, feature_mistakes(rows), known))
    if prefix and isinstance(root, dict):
        known = {mistake.mark for mistake in mistakes}
        mistakes.extend(_placed(document, (), header_mistakes(root), known))
    if mistakes:
        raise YamlError(document.path, mistakes)


def _placed(document: YamlDocument, prefix: Keys, found: CatalogueMistakes, known: set[Mark]) -> list[Mistake]:
    """Return mistakes with their positions, without those of values that are reported already."""
    return [
        Mistake(mark, text) for keys, text in found if (mark := _value_mark(document, (*prefix, *keys))) not in known
    ]


def _value_mark(document: YamlDocument, keys: Keys) -> Mark:
    node: YamlNode = document.find(keys)[0]
    return node.mark

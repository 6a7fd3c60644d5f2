"""What a stranger's files are made of, and how they must be answered."""

import zipfile
from pathlib import Path


class Executed:
    """Unpickled, it leaves a file."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self):
        return (open, (str(self._mark), "w"))


def one_sentence(said: str) -> str:
    assert said.endswith(".")
    assert said.isprintable(), said
    assert len(said) < 1000
    return said


def put_members(path: Path, content: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression, compresslevel=1) as archive:
        for name, body in content.items():
            archive.writestr(name, body)

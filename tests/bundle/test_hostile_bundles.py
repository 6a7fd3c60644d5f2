"""A bundle of a stranger: nothing of it is executed, nothing of it grows as it is read, and the answer is one
sentence."""

import io
import json
import os
import pickle
import resource
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from detector.bundle.format import read_bundle
from detector.errors import BundleError
from tests.service.broken import sign
from tests.service.hostile import Executed, one_sentence, put_members


@pytest.fixture
def mark(tmp_path):
    return tmp_path / "executed"


@pytest.fixture
def copy(bundle, tmp_path):
    return shutil.copytree(bundle, tmp_path / "hostile")


def refused(copy) -> str:
    sign(copy)
    with pytest.raises(BundleError) as raised:
        read_bundle(copy)
    return one_sentence(str(raised.value))


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def saved(array) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


@pytest.mark.parametrize("name", ["weights.npz", "normal.npz", "golden.npz"])
def test_a_pickle_among_a_bundles_arrays_is_not_opened(copy, mark, name):
    content = members(copy / name)
    for member in content:
        content[member] = saved(np.array([Executed(mark)], object))
    put_members(copy / name, content)
    assert f"{name}: cannot be read (Object arrays cannot be loaded" in refused(copy)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["weights.npz", "cells.npy", "baseline.npy"])
def test_a_pickle_in_place_of_a_file_is_not_opened(copy, mark, name):
    (copy / name).write_bytes(pickle.dumps(Executed(mark)))
    assert name in refused(copy)
    assert not mark.exists()


def test_an_archive_of_keras_with_a_lambda_layer_is_no_bundle(copy, mark):
    code = f"open({str(mark)!r}, 'w')"
    layer = {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {"code": code}}}}
    model = {"config.json": json.dumps({"layers": [layer]}).encode(), "model.weights.h5": b"", "metadata.json": b"{}"}
    put_members(copy / "weights.npz", model)
    assert "weights.npz: holds ['config.json'" in refused(copy)
    put_members(copy / "model.keras", model)  # beside the others it is not looked at
    assert not mark.exists()


def test_a_bundle_that_grows_as_it_is_read_is_refused_before_it_does(copy):
    content = members(copy / "weights.npz")
    bomb = {name: body + bytes(50_000_000) for name, body in content.items()}
    put_members(copy / "weights.npz", bomb, zipfile.ZIP_DEFLATED)
    assert "is compressed, and the trainer never compresses; train again." in refused(copy)


def test_a_header_that_claims_more_than_there_is_memory_is_refused(copy):
    content = members(copy / "weights.npz")
    name = next(iter(content))
    for shape in ("(99999999999999,)", "(" + "9" * 30 + ",)", "(-1,)", "(((", "[1]", "(1, 'x')"):
        told_header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
        header = b"\x93NUMPY\x01\x00" + len(told_header).to_bytes(2, "little") + told_header.encode()
        put_members(copy / "weights.npz", {**content, name: header})
        assert "weights.npz: " in refused(copy)
        (copy / "cells.npy").write_bytes(header)
        assert "weights.npz: " in refused(copy)


def test_members_that_claim_to_be_twice_the_file_are_refused(copy):
    """All of one body: an archive that is read name by name would be read as often as it has names."""
    content = members(copy / "weights.npz")
    body = max(content.values(), key=len)
    put_members(copy / "weights.npz", dict.fromkeys(content, body))
    raw = (copy / "weights.npz").read_bytes()
    first = raw.index(b"PK\x01\x02")
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        kept = archive.infolist()[0]
    directory = bytearray(raw[first:])
    at = 0
    while (at := directory.find(b"PK\x01\x02", at)) >= 0:
        directory[at + 42 : at + 46] = (0).to_bytes(4, "little")  # where its header lies: all at the first's
        at += 46
    size = kept.header_offset + 30 + len(kept.filename) + kept.file_size
    end = directory.rindex(b"PK\x05\x06")
    directory[end + 16 : end + 20] = size.to_bytes(4, "little")
    (copy / "weights.npz").write_bytes(raw[:size] + directory)
    assert "claim more bytes than the file has; train again." in refused(copy)


def test_a_file_longer_than_any_that_is_trained_is_not_read_to_its_end(copy):
    with (copy / "normal.npz").open("ab") as file:
        file.truncate(3_000_000_000)  # of nothing: it takes no room on the disk
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BundleError, match=r"normal\.npz has more than 500,000,000 bytes"):
        read_bundle(copy)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000_000 / 1024


def test_what_a_manifest_says_begins_no_line_of_its_own_in_a_log(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({"\x1b[2J\nWARNING all is well": 1, **manifest}))
    assert "`\\x1b[2J\\nWARNING all is well`" in refused(copy)


def test_whatever_bits_are_turned_the_answer_is_a_sentence(copy):
    """Four hundred bundles, each with some bytes changed and then signed: refused, or none the worse."""
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    right = {name: (copy / name).read_bytes() for name in ("weights.npz", "golden.npz", "cells.npy", "manifest.json")}
    for _ in range(100):
        for name, content in right.items():
            changed = bytearray(content)
            heads = [at for at in range(len(content)) if content[at : at + 2] in (b"PK", b"\x93N")] or [0]
            for _ in range(rng.integers(1, 4)):
                changed[min(len(content) - 1, int(rng.choice(heads)) + int(rng.integers(0, 130)))] = rng.integers(256)
            (copy / name).write_bytes(changed)
            sign(copy)
            try:
                read_bundle(copy)
            except BundleError as error:
                one_sentence(str(error))
            (copy / name).write_bytes(content)

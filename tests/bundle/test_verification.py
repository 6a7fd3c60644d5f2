"""A bundle comes back as it was written, or is refused with one sentence."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace

import numpy as np
import pytest
from msgspec.structs import replace as replaced

from detector.bundle.checksums import FILES, SUMS
from detector.bundle.format import Golden, read_bundle, write_bundle
from detector.bundle.verification import open_bundle, verify_encoder
from detector.core.encoder import Embeddings, Encoder
from detector.core.features import Baseline
from detector.errors import BundleError
from tests.service.broken import change_manifest, sign
from tests.weights import random_weights


@pytest.fixture
def copy(bundle, tmp_path):
    return shutil.copytree(bundle, tmp_path / "copy")


def refusal(path):
    with pytest.raises(BundleError) as refused:
        read_bundle(path)
    (sentence,) = str(refused.value).splitlines()
    assert sentence.startswith(str(path))
    assert sentence.endswith(".")
    return sentence


def test_a_bundle_comes_back_as_it_was_written(bundle, tmp_path):
    first = read_bundle(bundle)
    write_bundle(first, tmp_path / "again")
    again = read_bundle(tmp_path / "again")

    assert again.manifest == first.manifest
    assert again.digest == first.digest
    assert again.catalogue == first.catalogue
    assert again.weights.keys() == first.weights.keys()
    pairs = [
        *((again.weights[name], first.weights[name]) for name in first.weights),
        (again.baseline.cells, first.baseline.cells),
        (again.baseline.table, first.baseline.table),
        (again.normal.bank, first.normal.bank),
        (again.normal.stretches.direction, first.normal.stretches.direction),
        (again.normal.stretches.size, first.normal.stretches.size),
        (again.normal.stretches.shift, first.normal.stretches.shift),
        (again.golden.windows, first.golden.windows),
        (again.golden.embeddings.direction, first.golden.embeddings.direction),
        (again.golden.embeddings.shift, first.golden.embeddings.shift),
    ]
    for written, read in pairs:
        assert written.dtype == read.dtype
        np.testing.assert_array_equal(written, read)


def test_a_bundle_replaces_the_one_before_it_and_leaves_nothing_beside_it(bundle, tmp_path):
    first = read_bundle(bundle)
    write_bundle(first, tmp_path / "here")
    write_bundle(replace(first, weights={name: array * 2 for name, array in first.weights.items()}), tmp_path / "here")
    assert read_bundle(tmp_path / "here").digest != first.digest
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_is_found(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    assert f"{name} is not what the trainer wrote (checksum)" in refusal(copy)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    assert f"{name} is missing; copy the bundle again." in refusal(copy)


def test_a_folder_that_is_no_bundle_is_not_taken_for_one(tmp_path):
    assert "point `bundle` at a bundle's directory" in refusal(tmp_path)
    assert "point `bundle` at a bundle's directory" in refusal(tmp_path / "nowhere")


def test_any_flipped_byte_of_the_checksums_themselves_is_found(copy):
    content = (copy / SUMS).read_bytes()
    for at in range(len(content)):
        for bits in (0x02, 0xFF):
            broken = bytearray(content)
            broken[at] ^= bits
            (copy / SUMS).write_bytes(broken)
            assert read_or_refuse(copy) is None, (at, bits)


def read_or_refuse(path):
    """The digest of a bundle that is read; None when it is refused."""
    try:
        return read_bundle(path).digest
    except BundleError:
        return None


def test_a_bundle_that_is_overwritten_where_it_lies_serves_on_as_it_was(copy):
    """By `cp` over it, as people do: a file that is mapped and then cut ends a process by SIGBUS."""
    served = read_bundle(copy)
    before = np.array(served.baseline.table), np.array(served.baseline.cells)
    for name in ("baseline.npy", "cells.npy"):
        os.truncate(copy / name, 10)
    np.testing.assert_array_equal(served.baseline.table, before[0])
    np.testing.assert_array_equal(served.baseline.cells, before[1])


def test_a_bundle_that_is_replaced_while_it_is_read_is_one_or_the_other_or_none(bundle, other_bundle, tmp_path):
    """File by file, in place and by the link, by one who never waits."""
    here, link = tmp_path / "here", tmp_path / "current"
    shutil.copytree(bundle, here)
    link.symlink_to(here)
    whole = {read.digest: read for read in map(read_bundle, (bundle, other_bundle))}
    stop = threading.Event()

    def replace_for_ever():
        while not stop.is_set():
            for source in (other_bundle, bundle):
                for name in (*FILES, SUMS):
                    shutil.copyfile(source / name, here / name)
                (tmp_path / "next").symlink_to(source)
                os.replace(tmp_path / "next", link)

    replacing = threading.Thread(target=replace_for_ever)
    replacing.start()
    try:
        read = [found for _ in range(150) for path in (here, link) if (found := read_whole(path)) is not None]
    finally:
        stop.set()
        replacing.join()
    assert {found.digest for found in read} <= set(whole)
    assert read
    for found in read:
        same = whole[found.digest]
        np.testing.assert_array_equal(found.baseline.table, same.baseline.table)
        np.testing.assert_array_equal(found.normal.bank, same.normal.bank)
        for name, weights in found.weights.items():
            np.testing.assert_array_equal(weights, same.weights[name])


def read_whole(path):
    try:
        return read_bundle(path)
    except BundleError:
        return None


def test_a_folder_without_room_for_a_copy_is_named(bundle, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    assert refusal(bundle).endswith(
        "cannot be copied to /nowhere (No such file or directory); make room there, or set TMPDIR."
    )


# --- signed, and wrong all the same ---------------------------------------------------------------------------------


def rewrite(path, name, change):
    """Changes the arrays of an archive, and signs it."""
    with np.load(path / name) as archive:
        arrays = {key: archive[key] for key in archive.files}
    change(arrays)
    np.savez(path / name, **arrays)
    sign(path)


def put(array, at, value):
    array[at] = value


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: put(a["hidden"], (0, 0), np.nan), "hidden holds NaN or infinity; train again."),
        (lambda a: put(a["out"], (0, 0), np.inf), "out holds NaN or infinity; train again."),
        (lambda a: a.update(first=a["first"][:, :-1]), "first is (18, 7), and the spec needs (18, 8); train again."),
        (lambda a: a.update(first=a["first"].astype(np.float64)), "and a bundle needs"),
        (lambda a: a.pop("second"), "and a bundle needs"),
        (lambda a: a.update(third=a["second"]), "and a bundle needs"),
    ],
)
def test_weights_that_are_not_the_specs_are_refused(copy, change, sentence):
    rewrite(copy, "weights.npz", change)
    assert sentence in refusal(copy)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: m["spec"].update(hidden=17), "and the spec needs"),
        (lambda m: m["spec"].update(kind="gru"), "weights.npz"),
        (
            lambda m: m["spec"].update(kind="oracle"),
            "its encoder is of the kind 'oracle', and this version knows tree, lstm, gru, conv, transformer, shared;",
        ),
        (lambda m: m["spec"].update(features=7), "lists 6 features, and the spec has 7; train again."),
        (lambda m: m["features"].pop(), "lists 5 features, and the spec has 6; train again."),
        (lambda m: m.update(format=99), "has format 99, and this version reads 3; train again."),
        (lambda m: m["features"][0].update(low=9, high=5), "is 9, and `high` is 5; `low` must be below `high`"),
        (lambda m: m["features"][1].update(name=m["features"][0]["name"]), "stands twice, first as feature 1"),
        (lambda m: m.update(surprise=1), "unknown field `surprise`"),
        (lambda m: m.pop("spec"), "missing required field `spec`"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(copy, change, sentence):
    change_manifest(copy, change)
    assert sentence in refusal(copy)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_something_else_is_refused(copy, name, content):
    (copy / name).write_bytes(content)
    sign(copy)
    assert name in refusal(copy)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(("npz", "npy"))])
def test_a_file_that_was_cut_before_it_was_signed_is_refused(copy, name):
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: len(content) * 2 // 3])
    sign(copy)
    assert name in refusal(copy)


def test_pickled_objects_are_never_opened(copy):
    np.save(copy / "cells.npy", np.array([{"a": 1}], object), allow_pickle=True)
    sign(copy)
    assert "cells.npy: cannot be read" in refusal(copy)


def wrong_parts(right):
    """Bundles with an array that no trainer writes, by what is wrong with it."""
    table, bank, stretches = right.baseline.table, right.normal.bank, right.normal.stretches
    cells, golden = right.baseline.cells, right.golden

    def with_table(change):
        changed = np.array(table)
        change(changed)
        return replace(right, baseline=Baseline(cells, changed))

    def with_bank(changed):
        return replace(right, normal=replace(right.normal, bank=changed))

    nan_bank = np.array(bank)
    nan_bank[0, 0] = np.nan
    thin = replace(stretches, direction=stretches.direction[:, :, :-1])
    nan_shift = np.array(stretches.shift)
    nan_shift[0, 0, 0] = np.nan
    return {
        "a baseline with NaN": with_table(lambda t: put(t, (0, 1, 0), np.nan)),
        "a spread of zero": with_table(lambda t: put(t, (0, 0, 0), 0)),
        "a baseline of an odd harmonic": replace(right, baseline=Baseline(cells, np.array(table[:, :3]))),
        "a baseline of another type": replace(right, baseline=Baseline(cells, table.astype(np.float64))),
        "cells out of order": replace(right, baseline=Baseline(cells[::-1], table)),
        "cells of another type": replace(right, baseline=Baseline(cells.astype(str), table)),
        "a bank with NaN": with_bank(nan_bank),
        "a bank of another dimension": with_bank(bank[:, :-1]),
        "an empty bank": with_bank(bank[:0]),
        "fewer ends than stretches": replace(right, normal=replace(right.normal, ends=right.normal.ends[1:])),
        "stretches of another dimension": replace(right, normal=replace(right.normal, stretches=thin)),
        "stretches of fewer shifts": replace(
            right, normal=replace(right.normal, stretches=replace(stretches, shift=stretches.shift[:, :, :-1]))
        ),
        "shifts with NaN": replace(right, normal=replace(right.normal, stretches=replace(stretches, shift=nan_shift))),
        "golden windows of other features": replace(right, golden=Golden(golden.windows[:, :, 1:], golden.embeddings)),
        "no golden windows": replace(right, golden=Golden(golden.windows[:0], golden.embeddings[:0])),
    }


def test_arrays_that_no_trainer_writes_are_refused(bundle, tmp_path):
    """Found here, or found by a traceback in the middle of the night."""
    taken = []
    for name, wrong in wrong_parts(read_bundle(bundle)).items():
        write_bundle(wrong, tmp_path / "wrong")
        if read_or_refuse(tmp_path / "wrong") is not None:
            taken.append(name)
    assert taken == []


@pytest.mark.slow
def test_a_bundle_of_another_kind_of_encoder_comes_back_and_is_proven(bundle, tmp_path):
    right = read_bundle(bundle)
    spec = replace(right.manifest.spec, kind="lstm")
    weights = random_weights(spec)
    windows = right.golden.windows
    golden = Golden(windows, Encoder(spec, weights)(windows))
    write_bundle(
        replace(right, manifest=replaced(right.manifest, spec=spec), weights=weights, golden=golden), tmp_path / "lstm"
    )

    again, encoder = open_bundle(tmp_path / "lstm", 0)

    assert again.manifest.spec == spec
    assert np.array_equal(encoder(windows).direction, golden.embeddings.direction)


@pytest.mark.slow
def test_keras_on_another_backend_is_refused_with_a_sentence(bundle):
    """Whether that backend is installed here or not."""
    opening = f"open_bundle(__import__('pathlib').Path({str(bundle)!r}), 0)"
    code = f"from detector.bundle.verification import open_bundle; {opening}"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "KERAS_BACKEND": "numpy"}, capture_output=True, text=True
    )
    sentence = done.stderr.splitlines()[-1]
    assert sentence.startswith(f"detector.errors.BundleError: {bundle}: Keras ")
    assert sentence.endswith("; set KERAS_BACKEND=tensorflow.")


def test_an_encoder_that_computes_something_else_is_refused(bundle):
    right = read_bundle(bundle)
    verify_encoder(right, encoder := Encoder(right.manifest.spec, right.weights), bundle)

    told = right.golden.embeddings
    for name, part in vars(told).items():
        turned = replace(told, **{name: part[::-1]})
        with pytest.raises(
            BundleError,
            match=rf"golden windows embed \S+ away from what the trainer recorded \({name}, allowed \S+\); the",
        ):
            verify_encoder(replace(right, golden=replace(right.golden, embeddings=turned)), encoder, bundle)


def test_a_last_bit_of_half_precision_on_another_machine_is_forgiven(bundle):
    right = read_bundle(bundle)
    told = right.golden.embeddings
    nudged = Embeddings(*(np.nextafter(part, np.float16(np.inf)) for part in vars(told).values()))
    golden = replace(right.golden, embeddings=nudged)
    verify_encoder(replace(right, golden=golden), Encoder(right.manifest.spec, right.weights), bundle)

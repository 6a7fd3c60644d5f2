"""What the audit says of what it was told, and of what it was not."""

from benchmarks.audit.__main__ import lines

GOOD = {"name": "numpy", "version": "2.4.6", "vulns": []}
BAD = {"name": "pyyaml", "version": "5.3", "vulns": [{"id": "PYSEC-2021-142", "fix_versions": ["5.4"]}]}
SKIPPED = {"name": "keras", "skip_reason": "Dependency not found on PyPI and could not be audited: keras (3.15.1)"}


def test_what_is_known_is_named_with_the_version_that_mends_it():
    assert lines([GOOD, BAD]) == [
        "pyyaml 5.3: PYSEC-2021-142, mended in 5.4",
        "2 of 2 pinned versions were looked up, 1 have advisories",
    ]


def test_what_could_not_be_asked_is_counted_and_never_called_good():
    counted, skipped, unreached = lines([SKIPPED, SKIPPED])
    assert counted == "0 of 2 pinned versions were looked up, 0 have advisories"
    assert skipped.startswith("2 were skipped: Dependency not found on PyPI")
    assert "no advisory database can be reached from here" in unreached
    assert len(lines([GOOD, SKIPPED])) == 2

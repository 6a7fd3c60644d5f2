"""Report of `faultline check`: one line, or one entry of the JSON document, for each thing that was looked at."""

from collections.abc import Iterable

from detector.commands.documents import CheckDocument
from detector.finding import Finding
from detector.json_document import make_document
from detector.terminal import level, print_document, print_line, print_notice


def print_findings(findings: Iterable[Finding], *, json: bool) -> bool:
    """Print the findings as they come; return whether none is an error. Raises OperatorError."""
    shown = []
    for finding in findings:
        shown.append(finding)
        if not json:
            _print_finding(finding)
    passed = all(finding.level != "error" for finding in shown)
    if json:
        print_document(make_document(CheckDocument, ok=passed, findings=shown))
    return passed


def _print_finding(finding: Finding) -> None:
    """Print an error where every verb prints its errors, and the rest as the result."""
    if finding.level == "error":
        print_notice("faultline: ", finding.text)
    elif finding.level == "warning":
        print_line(f"{finding.part:<8} ", level(finding.level), ": ", finding.text)
    else:
        print_line(f"{finding.part:<8} ", finding.text)

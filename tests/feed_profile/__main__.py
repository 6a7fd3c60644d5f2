"""Write what `faultline feed` prints for a good and a bad feed into its page: python -m tests.feed_profile"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.commands.runner import ROOT
from tests.feed_profile.page import BLOCK, PAGE, write_folder


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        write_folder(Path(name))

        def printed(block: re.Match[str]) -> str:
            command = [sys.executable, "-m", "detector", "feed", block["file"]]
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
            done = subprocess.run(command, cwd=name, env=environment, capture_output=True, text=True)
            return f"{block['before']}{done.stdout}{block['after']}"

        PAGE.write_text(BLOCK.sub(printed, PAGE.read_text()))


if __name__ == "__main__":
    main()

"""Daemon of the demo: `faultline` as a child that ends with the demo, also where the demo was killed.

python -m trainer.demo.daemon PARENT_PID run --config FILE
"""

import sys

from detector.__main__ import main
from detector.process.entry_point import run_program
from detector.process.parent import end_with_parent

if __name__ == "__main__":
    end_with_parent(int(sys.argv[1]))
    run_program("faultline", lambda: main(sys.argv[2:]))

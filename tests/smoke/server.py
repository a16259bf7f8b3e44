"""Starts ministack so that a function sees its own bundle and what Lambda's runtime brings, and no more.

Runs in ministack's environment, and so imports nothing of this project. ministack runs functions with the
Python that runs itself, whose packages would hide one that a bundle lacks.
"""

import os
import sys

from ministack.app import main

if __name__ == "__main__":
    sys.executable = os.environ.pop("FUNCTION_PYTHON")
    main()

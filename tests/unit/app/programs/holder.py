"""Hold a data folder until killed; with a child that outlives the holder, if asked."""

import os
import subprocess
import sys
import time
from pathlib import Path

from beffroi.app.ownership import Ownership

ownership = Ownership(Path(sys.argv[1]))
ownership.tell(f"process {os.getpid()}")
if "with-child" in sys.argv:
    quiet = subprocess.DEVNULL
    subprocess.Popen(["sleep", "3"], stdin=quiet, stdout=quiet, stderr=quiet)
sys.stdout.write("held\n")
sys.stdout.flush()
time.sleep(60)

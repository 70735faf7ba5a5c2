"""Install what the system tests need, where root and apt-get are there; say what is missing.

Runs before any environment exists: the standard library alone. It never fails the run: a test
whose package is missing is skipped with its reason.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

# The program, or the files, that a package brings, and the package.
PACKAGES: Final[Mapping[str, str]] = {
    "/usr/lib/php/*/mysqli.so": "php-mysql",
    "/usr/lib/php/*/dom.so": "php-xml",
    "/usr/share/wordpress/index.php": "wordpress",
    "/usr/share/wordpress/wp-content/themes/twentytwentyone": "wordpress-theme-twentytwentyone",
    "bwrap": "bubblewrap",
    "chromium": "chromium",
    "git": "git",
    "mosquitto": "mosquitto",
    "mariadbd": "mariadb-server",
    "nats-server": "nats-server",
    "nginx": "nginx-light",
    "pebble": "pebble",
    "php": "php-cli",
    "setpriv": "util-linux",
    "snmpd": "snmpd",
}
_SEARCHED: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/sbin"
_DEADLINE_S: Final = 600


def missing_programs() -> list[str]:
    """Return the programs and files that are not there."""
    return [proof for proof in PACKAGES if not _is_there(proof)]


def _is_there(proof: str) -> bool:
    if proof.startswith("/"):
        return any(Path("/").glob(proof.removeprefix("/")))
    return shutil.which(proof, path=_SEARCHED) is not None


def main() -> None:
    """Install what is missing, or say why not."""
    missing = missing_programs()
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        _tell(f"not root, or no apt-get: tests that need {', '.join(missing)} will be skipped")
        return
    _apt_get(["update"])
    for program in missing:
        # One by one: a package that this system does not know must not hold the others back.
        _apt_get(["install", "--yes", "--no-install-recommends", PACKAGES[program]])
    still = missing_programs()
    if still:
        _tell(f"not installed: tests that need {', '.join(still)} will be skipped")


def _apt_get(arguments: Sequence[str]) -> None:
    """Run apt-get without questions; a service that a package brings is not started."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    command = ["apt-get", "--quiet=2", "-o", "DPkg::Lock::Timeout=120", *arguments]
    try:
        # A plain call: this runs before the package, and its run_command, can be imported.
        ended = subprocess.run(  # noqa: TID251
            command, env=environment, timeout=_DEADLINE_S, check=False
        )
    except subprocess.TimeoutExpired:
        _tell(f"{' '.join(command)} took more than {_DEADLINE_S} s")
        return
    if ended.returncode != 0:
        _tell(f"{' '.join(command)} ended with status {ended.returncode}")


def _tell(sentence: str) -> None:
    sys.stderr.write(f"install_system_packages: {sentence}\n")


if __name__ == "__main__":
    main()

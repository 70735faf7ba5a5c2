"""The peers, installed from Debian where the bench may install them."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from beffroi.kernel.processes.commands import run_command

_MODULES = Path("/usr/lib/nginx/modules")
_VARNISH_MODULES = Path("/usr/lib/x86_64-linux-gnu/varnish/vmods")
_INSTALL_S = 900.0
# What proves that a package is there: a program or a file.
_PROOFS = {
    "nginx-light": Path("/usr/sbin/nginx"),
    "libnginx-mod-http-brotli-static": _MODULES / "ngx_http_brotli_static_module.so",
    "varnish": Path("/usr/sbin/varnishd"),
    "varnish-modules": _VARNISH_MODULES / "libvmod_xkey.so",
    "php8.2-fpm": Path("/usr/sbin/php-fpm8.2"),
    "php8.2-mysql": Path("/usr/share/php8.2-mysql/mysql/mysqli.ini"),
    "mariadb-server": Path("/usr/sbin/mariadbd"),
    "wordpress": Path("/usr/share/wordpress/wp-load.php"),
    "wordpress-theme-twentytwentyone": Path(
        "/usr/share/wordpress/wp-content/themes/twentytwentyone/style.css"
    ),
    "wrk": Path("/usr/bin/wrk"),
    "gcc": Path("/usr/bin/gcc"),
    "libssl-dev": Path("/usr/include/openssl/ssl.h"),
}
PAGE = (
    "nginx-light",
    "php8.2-fpm",
    "php8.2-mysql",
    "mariadb-server",
    "wordpress",
    "wordpress-theme-twentytwentyone",
)
HIT = (
    *PAGE,
    "libnginx-mod-http-brotli-static",
    "varnish",
    "wrk",
    "gcc",
    "libssl-dev",
)
REPLAY = ("nginx-light", "varnish", "varnish-modules")


class PeersMissingError(Exception):
    """The peers are absent and cannot be installed here."""


async def install(packages: Iterable[str]) -> None:
    """Install the packages that are absent.

    Raises:
        PeersMissingError: It takes root and apt, or apt failed.
    """
    absent = [name for name in packages if not _PROOFS[name].exists()]
    if not absent:
        return
    command = ("apt-get", "install", "--yes", "--no-install-recommends", *absent)
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        raise PeersMissingError(f"Missing: {', '.join(absent)}. As root: {' '.join(command)}")
    # The packages' own services stay stopped: the bench starts the servers itself.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    ended = await run_command(command, deadline_s=_INSTALL_S, environment=environment)
    if ended.status:
        raise PeersMissingError(ended.output)


async def versions(packages: Iterable[str]) -> str:
    """Return the packages with their versions, as one line."""
    ended = await run_command(
        ("dpkg-query", "--show", "--showformat", "${Package} ${Version}, ", *packages),
        deadline_s=20,
    )
    return ended.output.rstrip(", ")

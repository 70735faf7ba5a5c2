"""A real WordPress, as Debian packages it: the origin that the peers cache."""

import asyncio
import shutil
from pathlib import Path
from typing import Final

import msgspec

from beffroi.kernel.processes.commands import run_command
from bench.accelerator.packages import PeersMissingError
from bench.accelerator.servers import Servers, listens

HOST: Final = "mairie.test"
_CORE: Final = Path("/usr/share/wordpress")
_SITE: Final = Path(__file__).with_name("wordpress_site.php")
_SALTS: Final = (
    *("AUTH_KEY", "SECURE_AUTH_KEY", "LOGGED_IN_KEY", "NONCE_KEY"),
    *("AUTH_SALT", "SECURE_AUTH_SALT", "LOGGED_IN_SALT", "NONCE_SALT"),
)
_POOL: Final = """\
[global]
error_log = {folder}/fpm-errors.log
daemonize = no
[www]
user = www-data
group = www-data
listen = {socket}
listen.owner = www-data
listen.group = www-data
pm = static
pm.max_children = 2
php_admin_flag[opcache.enable] = on
php_admin_value[opcache.memory_consumption] = 128
php_admin_flag[opcache.validate_timestamps] = off
"""
_DATABASE: Final = "CREATE DATABASE wordpress CHARACTER SET utf8mb4;\n"


class WordPress(msgspec.Struct, frozen=True):
    """A running WordPress.

    Attributes:
        socket: Where php-fpm speaks FastCGI.
        core: The folder of its scripts.
        pids: php-fpm and MariaDB.
    """

    socket: Path
    core: Path
    pids: tuple[int, ...]


async def wordpress(servers: Servers) -> WordPress:
    """Start MariaDB and php-fpm and make the site."""
    database = servers.make_folder("mariadb", "mysql")
    database_pid = await _database(servers, database)
    core = servers.folder / "wordpress"
    await asyncio.to_thread(
        shutil.copytree, _CORE, core, ignore_dangling_symlinks=True, ignore=_without_configuration
    )
    (core / "wp-config.php").write_text(_configuration(database / "mysqld.sock"))
    made = await run_command(("php", str(_SITE), str(core)), deadline_s=120)
    if made.status:
        raise PeersMissingError(f"WordPress was not installed:\n{made.output}")
    socket = servers.folder / "fpm.sock"
    pool = servers.folder / "fpm.conf"
    pool.write_text(_POOL.format(folder=servers.folder, socket=socket))
    fpm_pid = await servers.start(
        "php-fpm",
        ("/usr/sbin/php-fpm8.2", "--nodaemonize", "--fpm-config", str(pool)),
        lambda: listens(socket),
    )
    return WordPress(socket, core, (fpm_pid, database_pid))


async def _database(servers: Servers, folder: Path) -> int:
    start = folder / "start.sql"
    start.write_text(
        f"{_DATABASE}CREATE USER wordpress@localhost IDENTIFIED BY 'bench';\n"
        "GRANT ALL ON wordpress.* TO wordpress@localhost;\n"
    )
    data, socket = folder / "data", folder / "mysqld.sock"
    made = await run_command(
        (
            *("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=mysql"),
            *("--skip-test-db", "--auth-root-authentication-method=socket"),
        ),
        deadline_s=120,
    )
    if made.status:
        raise PeersMissingError(made.output)
    return await servers.start(
        "mariadb",
        (
            *("/usr/sbin/mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={socket}"),
            *("--skip-networking", f"--pid-file={folder}/pid", f"--init-file={start}"),
            "--innodb-buffer-pool-size=128M",
        ),
        lambda: listens(socket),
        user="mysql",
    )


def _without_configuration(folder: str, names: list[str]) -> list[str]:
    return ["wp-config.php", ".htaccess"] if Path(folder) == _CORE and names else []


def _configuration(socket: Path) -> str:
    constants = {
        "DB_NAME": "wordpress",
        "DB_USER": "wordpress",
        "DB_PASSWORD": "bench",
        "DB_HOST": f"localhost:{socket}",
        "DB_CHARSET": "utf8mb4",
        "DB_COLLATE": "",
        "WP_HOME": f"https://{HOST}",
        "WP_SITEURL": f"https://{HOST}",
        **{name: f"bench-{name}" for name in _SALTS},
    }
    lines = [f"define('{name}', '{value}');" for name, value in constants.items()]
    # Nothing leaves the machine, and no scheduled task runs during a round.
    lines += [f"define('{name}', true);" for name in ("DISABLE_WP_CRON", "WP_HTTP_BLOCK_EXTERNAL")]
    return "\n".join(
        [
            "<?php",
            *lines,
            "$table_prefix = 'wp_';",
            "if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');",
            "require_once ABSPATH . 'wp-settings.php';\n",
        ]
    )

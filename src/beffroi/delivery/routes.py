"""Which folder serves which host name: symbolic links that nginx resolves at each request.

``routes/<host>`` leads to ``targets/<application>``, which leads to a folder that holds
``listen/http.sock``, ``www/``, ``stopped/`` or ``asleep/``. Every change is one rename, seen at
once and whole.
"""

from collections.abc import Mapping
from pathlib import Path

from beffroi.kernel.places import Places, hand_over

_NEW = ".new"


class RouteTable:
    """Points applications to what serves them, and host names to applications."""

    def __init__(self, places: Places) -> None:
        self._targets = places.targets
        self._routes = places.routes
        self._stopped = places.pages / "stopped"
        self._asleep = places.pages / "asleep"

    def point(self, application: str, folder: Path) -> None:
        """Have a folder serve an application from the next request on.

        The folder is visible to nginx: it lies under ``instances`` or ``releases``.
        """
        hand_over(self._targets, None, 0o755)
        _link(self._targets / application, folder)

    def stop(self, application: str) -> None:
        """Tell the application's visitors that it is stopped."""
        _make_sign(self._stopped)
        self.point(application, self._stopped)

    def rest(self, application: str) -> None:
        """Have the application's visitors wait until it is woken."""
        _make_sign(self._asleep)
        self.point(application, self._asleep)

    def forget(self, application: str) -> None:
        """Remove what an application pointed to."""
        (self._targets / application).unlink(missing_ok=True)

    def publish(self, routes: Mapping[str, str]) -> None:
        """Make exactly these host names lead to their applications, new ones first.

        An application that nothing serves yet is told to be stopped.
        """
        for folder in (self._routes, self._targets):
            hand_over(folder, None, 0o755)
        _make_sign(self._stopped)
        for host, application in routes.items():
            target = self._targets / application
            if not target.is_symlink():
                target.symlink_to(self._stopped)
            if self._application_of(self._routes / host) != application:
                _link(self._routes / host, target)
        for entry in tuple(self._routes.iterdir()):
            if entry.name not in routes:
                entry.unlink()

    def served(self) -> dict[str, str]:
        """Return the application of each host name whose links are whole."""
        if not self._routes.is_dir():
            return {}
        found = {entry.name: self._application_of(entry) for entry in self._routes.iterdir()}
        return {
            host: application
            for host, application in sorted(found.items())
            if application is not None and (self._targets / application).is_symlink()
        }

    def _application_of(self, route: Path) -> str | None:
        if not route.is_symlink():
            return None
        target = route.readlink()
        return target.name if target.parent == self._targets else None


def _make_sign(folder: Path) -> None:
    """Make a folder that holds one of its own name, by which nginx knows it."""
    for one in (folder.parent, folder, folder / folder.name):
        hand_over(one, None, 0o755)


def _link(path: Path, target: Path) -> None:
    fresh = path.with_name(_NEW)
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(path)

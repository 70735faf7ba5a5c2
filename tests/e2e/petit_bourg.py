"""Petit-Bourg: three organisations, one application of each kind, and the hosts they have."""

from pathlib import Path
from typing import Any

from beffroi.kernel.processes.sandbox import python_home

SOURCES = Path(__file__).parent / "applications"
VITRINE = "vitrine.mairie.localhost"
GUICHET = "guichet.mairie.localhost"
CANTINE = "cantine.ecole.localhost"
AGENDA = "agenda.bibliotheque.localhost"
HOSTS = (VITRINE, GUICHET, CANTINE, AGENDA)
# The tests' crowds come from one address.
CROWD = {"requests_per_s": 100_000, "site_requests_per_s": 100_000}
_PYTHON = python_home() / "bin" / "python3"


def petit_bourg(*applications: str) -> dict[str, Any]:
    """Return the territory, with these of its applications."""
    every = {
        "vitrine": vitrine(),
        "guichet": guichet("mairie"),
        "cantine": guichet("ecole"),
        "agenda": agenda(),
    }
    return {
        "territory": {"name": "petit-bourg", "title": "Petit-Bourg", "domain": "localhost"},
        "organisations": {
            "mairie": {"title": "Mairie de Petit-Bourg"},
            "ecole": {"title": "École communale"},
            "bibliotheque": {"title": "Bibliothèque"},
        },
        "sites": {"mairie": {"title": "Mairie", "latitude": 48.0, "longitude": 0.2}},
        "hosts": {"s1": {"site": "mairie", "cpus": 2, "memory_gib": 4, "disk_gib": 50}},
        "applications": {name: {**every[name], "visitors": CROWD} for name in applications},
    }


def source_of(application: str) -> Path:
    """Return the files that an application is deployed from."""
    return SOURCES / {"cantine": "guichet"}.get(application, application)


def vitrine() -> dict[str, Any]:
    """Return a static site."""
    return {
        "organisation": "mairie",
        "title": "Site de la mairie",
        "kind": "static",
        "source": {"folder": "sources/vitrine"},
    }


def guichet(organisation: str) -> dict[str, Any]:
    """Return a command that listens on its socket, with a volume, a secret and a database."""
    name = {"mairie": "guichet", "ecole": "cantine"}[organisation]
    return {
        "organisation": organisation,
        "title": "Guichet",
        "kind": "command",
        "source": {"folder": f"sources/{name}"},
        "start": f"{_PYTHON} guichet.py",
        "secrets": ["CLE"],
        "volumes": ["dossiers"],
        "database": True,
        "limits": {"memory_mib": 96, "cpus": 1.0, "processes": 40},
        "health": {"path": "/", "within_s": 5},
    }


def agenda() -> dict[str, Any]:
    """Return a Python application that the platform serves by its entry."""
    return {
        "organisation": "bibliotheque",
        "title": "Agenda",
        "kind": "python",
        "source": {"folder": "sources/agenda"},
        "interface": "asgi",
        "entry": "agenda:application",
        "limits": {"memory_mib": 256, "cpus": 1.0, "processes": 64},
    }

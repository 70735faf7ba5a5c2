"""Serve the open data portal: Datasette over one immutable database."""

import os
from pathlib import Path

import yaml
from datasette.app import Datasette

from response_headers import with_adjusted_headers

FOLDER = Path(__file__).parent
SETTINGS = {
    "default_page_size": 50,
    "default_facet_size": 20,
    "sql_time_limit_ms": 1000,
    "facet_time_limit_ms": 200,
    "max_returned_rows": 2000,
    "max_csv_mb": 10,
    "num_sql_threads": 2,
    "force_https_urls": True,
    "allow_download": True,
}


def make_portal() -> Datasette:
    """Open the database that the build step wrote."""
    metadata = yaml.safe_load((FOLDER / "metadata.yaml").read_text(encoding="utf-8"))
    return Datasette(
        immutables=[str(FOLDER / "territoires.db")],
        metadata=metadata,
        template_dir=str(FOLDER / "templates"),
        static_mounts=[("habillage", str(FOLDER / "static"))],
        settings=SETTINGS,
        secret=os.environ.get("DATASETTE_SECRET"),
        cors=True,
    )


application = with_adjusted_headers(make_portal().app())

"""What tenants ask of their landlord: a form, and the list of what was asked."""

import html
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

_REQUESTS = Path("/volumes/demandes/demandes.txt")
_MOST_BYTES = 4096
_PAGE = """<!doctype html>
<html lang="fr">
<head><meta charset="utf-8"><title>Extranet des locataires</title></head>
<body><main><h1>Extranet des locataires</h1>
<form method="post"><label>Votre demande <input name="demande" maxlength="200" required></label>
<button>Envoyer</button></form>
<ol>{rows}</ol></main></body>
</html>
"""

StartResponse = Callable[[str, list[tuple[str, str]]], object]


def application(environ: dict, start_response: StartResponse) -> Iterable[bytes]:
    """Answer the page, after taking down what was asked."""
    if environ["REQUEST_METHOD"] == "POST":
        length = min(_MOST_BYTES, int(environ.get("CONTENT_LENGTH") or 0))
        given = parse_qs(environ["wsgi.input"].read(length).decode())
        for demand in given.get("demande", []):
            with _REQUESTS.open("a", encoding="utf-8") as file:
                file.write(f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M} {demand.strip()[:200]}\n")
        start_response("303 See Other", [("Location", "/")])
        return [b""]
    lines = _REQUESTS.read_text(encoding="utf-8").splitlines() if _REQUESTS.exists() else []
    rows = "".join(f"<li>{html.escape(line)}</li>" for line in lines[-20:])
    body = _PAGE.format(rows=rows).encode()
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [body]

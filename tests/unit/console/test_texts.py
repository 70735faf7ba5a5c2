"""Every text that a template names is in both catalogues, with the same blanks."""

import re
from importlib.resources import files
from string import Formatter

import pytest

from beffroi.kernel.catalogue import Language, entries

TEMPLATES = {
    "beffroi.app.console": "templates",
    "beffroi.hosting": "templates/pages",
    "beffroi.engines": "templates/pages",
    "beffroi.delivery": "templates/pages",
}
_WHOLE_KEY = re.compile(r'text\("([a-z_.]+[a-z])"[,)]')


def keys_named() -> set[str]:
    """Return the keys that templates spell out."""
    found = set()
    for package, folder in TEMPLATES.items():
        for template in files(package).joinpath(folder).iterdir():
            found.update(_WHOLE_KEY.findall(template.read_text(encoding="utf-8")))
    return found


def blanks(text: str) -> set[str]:
    """Return the names of the values that a text waits for."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", Language)
def test_templates_name_texts_that_exist(language: Language) -> None:
    named = keys_named()
    assert len(named) > 100
    missing = {
        key
        for key in named
        if key.partition(".")[2] not in entries(key.partition(".")[0], language)
    }
    assert missing == set()


@pytest.mark.parametrize(
    ("package", "table"),
    [
        ("app", "console."),
        ("hosting", "pages."),
        ("engines", "pages."),
        ("delivery", "pages_console."),
        ("delivery", "results_console."),
        ("delivery", "weight_console."),
    ],
)
def test_both_languages_say_the_same(package: str, table: str) -> None:
    french, english = (entries(package, language) for language in Language)
    own = {key for key in french if key.startswith(table)}
    assert own == {key for key in english if key.startswith(table)}
    assert {key for key in own if blanks(french[key]) != blanks(english[key])} == set()

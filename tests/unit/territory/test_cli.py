"""``check`` shows what is wrong and ends with 1, or says that all is well and ends with 0."""

from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from beffroi.territory.cli import check
from tests.unit.territory.conftest import Write

_SOUND = "territory: {name: essai, title: Essai, domain: localhost}\n"
_STORY = Path(__file__).parents[3] / "stories" / "le-mans" / "territory.yaml"


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(check)
    return app


def test_a_sound_file_is_said_to_be_sound(app: typer.Typer, write: Write) -> None:
    result = CliRunner().invoke(app, [str(write(_SOUND)), "--language", "en"])
    assert (result.exit_code, result.stdout) == (
        0,
        "Territory «essai»: no mistake; organisations 0, sites 0, hosts 0, applications 0.\n",
    )


def test_a_mistake_is_shown_with_its_place_and_its_remedy(app: typer.Typer, write: Write) -> None:
    file = write(_SOUND + "site: {}\n")
    result = CliRunner().invoke(app, [str(file), "--language", "fr"])
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"{file}:2:1  La clé «site» n'existe pas ici ; la plus proche est «sites».",
        "    Clés connues ici : organisations, sites, hosts, applications, include, territory.",
    ]


def test_findings_are_also_told_to_programs(app: typer.Typer, write: Write) -> None:
    result = CliRunner().invoke(app, [str(write(_SOUND + "sites: 1\n")), "--json"])
    (finding,) = msgspec.json.decode(result.stdout)
    assert result.exit_code == 1
    assert {key: finding[key] for key in ("code", "line", "column", "path")} == {
        "code": "territory.expected_mapping",
        "line": 2,
        "column": 8,
        "path": "sites",
    }


def test_a_sound_file_has_no_findings_for_programs(app: typer.Typer, write: Write) -> None:
    result = CliRunner().invoke(app, [str(write(_SOUND)), "--json"])
    assert (result.exit_code, result.stdout) == (0, "[]\n")


def test_the_environment_chooses_the_language(app: typer.Typer, write: Write) -> None:
    environment = {"BEFFROI_LANGUAGE": "en"}
    result = CliRunner().invoke(app, [str(write(_SOUND))], env=environment)
    assert "no mistake" in result.stdout


@pytest.mark.skipif(not _STORY.exists(), reason="the story le-mans is not written yet")
def test_the_story_of_le_mans_is_sound(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, [str(_STORY)])
    assert result.exit_code == 0, result.stderr

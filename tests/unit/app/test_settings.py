"""Where settings come from, and what is refused."""

from pathlib import Path

import msgspec
import pytest

from beffroi.app.settings import (
    Settings,
    chosen_data_folder,
    database_url,
    loaded_settings,
)
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.places import default_data_folder


def write(folder: Path, text: str) -> Path:
    (folder / "beffroi.toml").write_text(text, encoding="utf-8")
    return folder


def test_without_file_and_variables_every_setting_has_its_default(tmp_path: Path) -> None:
    assert loaded_settings(tmp_path, {}) == Settings()


def test_the_file_of_the_data_folder_is_read(tmp_path: Path) -> None:
    write(tmp_path, 'https_port = 8443\nlisten_addresses = ["0.0.0.0", "::"]\n')
    settings = loaded_settings(tmp_path, {})
    assert settings.https_port == 8443
    assert settings.listen_addresses == ("0.0.0.0", "::")  # noqa: S104 - a value to compare
    assert settings.http_port == 0


def test_the_environment_leads(tmp_path: Path) -> None:
    write(tmp_path, "https_port = 8443\nhttp_port = 8080\n")
    settings = loaded_settings(tmp_path, {"BEFFROI_HTTPS_PORT": "9443"})
    assert (settings.http_port, settings.https_port) == (8080, 9443)


def test_several_addresses_come_as_a_list(tmp_path: Path) -> None:
    settings = loaded_settings(tmp_path, {"BEFFROI_LISTEN_ADDRESSES": "127.0.0.1,::1"})
    assert settings.listen_addresses == ("127.0.0.1", "::1")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("htps_port", "https_port"), ("loglevel", "log_level"), ("listen", "listen_addresses")],
)
def test_an_unknown_setting_is_told_with_the_nearest_and_its_place(
    tmp_path: Path, name: str, nearest: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        loaded_settings(write(tmp_path, f'{name} = "x"\n'), {})
    assert refused.value.code == "app.setting_unknown"
    assert refused.value.values["nearest"] == nearest
    assert str(tmp_path / "beffroi.toml") in str(refused.value)
    with pytest.raises(InvalidInputError, match=f"BEFFROI_{name.upper()}"):
        loaded_settings(tmp_path / "elsewhere", {f"BEFFROI_{name.upper()}": "x"})


@pytest.mark.parametrize(
    "line",
    [
        "http_port = 65536",
        "http_port = -1",
        'http_port = "many"',
        "http_port = true",
        "listen_addresses = []",
        'log_level = "LOUD"',
        "pages_mib = 15",
        "pages_mib = 1048577",
        'machine = "arm"',
    ],
)
def test_a_value_out_of_bounds_is_told_with_its_place(tmp_path: Path, line: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        loaded_settings(write(tmp_path, line), {})
    assert refused.value.code == "app.setting_invalid"
    assert refused.value.values["name"] == line.split(" ", maxsplit=1)[0]
    assert "beffroi.toml" in str(refused.value)


def test_room_for_pages_and_the_machines_power_are_set(tmp_path: Path) -> None:
    write(tmp_path, 'pages_mib = 16\nmachine = "small"\nwattmeter_file = "/run/watts"\n')
    settings = loaded_settings(tmp_path, {"BEFFROI_PAGES_MIB": "32"})
    assert settings.pages_mib == 32
    assert (settings.machine, settings.wattmeter_file) == ("small", "/run/watts")


def test_an_empty_variable_is_no_number(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="BEFFROI_HTTP_PORT"):
        loaded_settings(tmp_path, {"BEFFROI_HTTP_PORT": ""})


@pytest.mark.parametrize("content", [b"http_port = \n", b"[[[", b"title = '\xe9'\n"])
def test_a_file_that_is_no_toml_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "beffroi.toml").write_bytes(content)
    with pytest.raises(InvalidInputError) as refused:
        loaded_settings(tmp_path, {})
    assert refused.value.code == "app.settings_unreadable"


def test_variables_of_others_and_of_the_commands_are_no_settings(tmp_path: Path) -> None:
    others = {
        "HTTP_PORT": "1",
        "BEFFROI_URL": "https://console.example",
        "BEFFROI_TOKEN": "t",
        "BEFFROI_DATA": "/srv",
        "BEFFROI_DATABASE_URL": "postgresql:///b",
        "BEFFROI_LANGUAGE": "en",
    }
    assert loaded_settings(tmp_path, others) == Settings()


def test_the_database_is_named_by_a_file_or_a_variable(tmp_path: Path) -> None:
    assert database_url(Settings(), {}) is None
    (tmp_path / "url").write_text("postgresql:///filed\n")
    filed = database_url(Settings(database_url_file=str(tmp_path / "url")), {})
    assert filed is not None
    assert filed.reveal() == "postgresql:///filed"
    given = database_url(Settings(), {"BEFFROI_DATABASE_URL": "postgresql:///given"})
    assert given is not None
    assert given.reveal() == "postgresql:///given"
    assert "given" not in repr(given)


def test_the_data_folder_is_given_or_conventional() -> None:
    assert chosen_data_folder({"BEFFROI_DATA": "/srv/b"}) == Path("/srv/b")
    assert chosen_data_folder({}) == chosen_data_folder({"BEFFROI_DATA": ""})
    assert chosen_data_folder({}) == default_data_folder()


def test_every_setting_has_a_help_line() -> None:
    schema = msgspec.json.schema(Settings)["$defs"]["Settings"]["properties"]
    assert set(schema) == set(Settings.__struct_fields__)
    assert [name for name, told in schema.items() if not told.get("description")] == []


def test_every_setting_is_on_the_page_that_is_made_from_them() -> None:
    made = (Path(__file__).parents[3] / "docs/settings.md").read_text()
    assert [name for name in Settings.__struct_fields__ if f"`{name}`" not in made] == []

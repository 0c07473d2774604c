from pathlib import Path

import pytest

from monitor.config import locate
from monitor.config.find import find_config, find_store
from monitor.errors import ConfigError
from tests.config.files import SMALLEST, loaded


def put(path: Path, text: str = SMALLEST) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_config_is_the_nearest_when_several_are_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environ = {"HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    system = put(tmp_path / "etc/margincall/config.yaml")
    assert find_config(None, environ=environ, root=tmp_path) == system
    at_home = put(tmp_path / "home/.config/margincall/config.yaml")
    assert find_config(None, environ={"HOME": environ["HOME"]}, root=tmp_path) == at_home
    by_xdg = put(tmp_path / "xdg/margincall/config.yaml")
    assert find_config(None, environ=environ, root=tmp_path) == by_xdg
    put(tmp_path / "config.yaml")
    assert find_config(None, environ=environ, root=tmp_path) == Path("config.yaml")
    assert find_config(system, environ=environ, root=tmp_path) == system


def test_config_error_names_every_place_when_there_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        locate(environ={"HOME": "/h", "XDG_CONFIG_HOME": "not/absolute"}, root=Path("/r"))
    assert str(caught.value) == (
        "no configuration found: tried ./config.yaml, /h/.config/margincall/config.yaml, /r/etc/margincall/config.yaml; "
        "or use --config"
    )
    assert caught.value.exit_code == 78


@pytest.mark.parametrize(
    ("setting", "config", "environ", "store"),
    [
        ("my.db", "/etc/margincall/c.yaml", {"STATE_DIRECTORY": "/s"}, "/etc/margincall/my.db"),
        ("/x/my.db", "/etc/c.yaml", {"STATE_DIRECTORY": "/s"}, "/x/my.db"),
        ("~/my.db", "/etc/c.yaml", {}, "/h/my.db"),
        (None, "/etc/c.yaml", {"STATE_DIRECTORY": "/s:/t", "XDG_STATE_HOME": "/x"}, "/s/margincall.db"),
        (None, "/etc/c.yaml", {"STATE_DIRECTORY": "", "XDG_STATE_HOME": "/x"}, "/var/lib/margincall/margincall.db"),
        (None, "/etcetera/c.yaml", {"XDG_STATE_HOME": "/x"}, "/x/margincall/margincall.db"),
        (None, "/c.yaml", {"XDG_STATE_HOME": "relative"}, "/h/.local/state/margincall/margincall.db"),
    ],
)
def test_store_lies_where_the_first_of_setting_service_etc_and_home_says(setting, config, environ, store):
    found, _ = find_store(Path(setting) if setting else None, Path(config), environ={"HOME": "/h", **environ})
    assert found == Path(store)


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("", {}),
        ("store: here.db\n", {}),
        ("store: here.db\n", {"MARGINCALL_STORE": "/there.db"}),
        ("", {"MARGINCALL_STORE": "/there.db"}),
        ("", {"STATE_DIRECTORY": "/s"}),
    ],
)
def test_locate_finds_the_same_store_as_load_when_both_read_one_configuration(tmp_path, text, environ):
    environ = {"HOME": "/h", **environ}
    whole = loaded(tmp_path, SMALLEST + text, **environ)
    light = locate(whole.config, environ=environ)
    assert (light.config, light.store) == (whole.config, whole.store)

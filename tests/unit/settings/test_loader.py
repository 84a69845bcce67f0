"""Precedence, types, aliases, and errors that name file, section, key and what is allowed."""

import configparser
from pathlib import Path
from typing import Any

import pytest

from settings.loader import SettingsError, describe, load
from settings.schema import ClientSettings, GatewaySettings, OcrServerSettings

SETTINGS = Path(__file__).parents[3] / "settings"


def _ini(folder: Path, text: str) -> Path:
    path = folder / "some.ini"
    path.write_text(text, "utf-8")
    return path


def test_each_source_wins_over_the_one_before_it(tmp_path: Path) -> None:
    ini = _ini(tmp_path, "[WebSocket]\nport = 1001\n")
    environment = {"OCR_WEBSOCKET_PORT": "1002"}
    assert load(ClientSettings, None, {}).websocket.port == 8765
    assert load(ClientSettings, ini, {}).websocket.port == 1001
    assert load(ClientSettings, ini, environment).websocket.port == 1002
    assert load(ClientSettings, ini, environment, ["WebSocket.port=1003"]).websocket.port == 1003


def test_a_section_whose_name_has_an_underscore_is_found_in_the_environment() -> None:
    environment = {"OCR_TESSERACT_LOCATION_PATH": "/opt/tesseract", "OCR_PROCESSPOOL_MAX_PROCESS": "7"}
    settings = load(OcrServerSettings, None, environment)
    assert settings.tesseract_location.path == "/opt/tesseract"
    assert settings.process_pool.max_process == 7


def test_values_have_their_types() -> None:
    given = [
        "WebSocket.idle_timeout=0.5",
        "RabbitMQ.tls=Yes",
        "WebSocket.origins=https://a.example, https://b.example",
        "RabbitMQ.password=50%",
    ]
    settings = load(GatewaySettings, None, {}, given)
    assert settings.websocket.idle_timeout == 0.5
    assert settings.rabbitmq.tls is True
    assert settings.websocket.origins == ("https://a.example", "https://b.example")
    assert settings.rabbitmq.password == "50%"


@pytest.mark.parametrize("written", ["eng+chi_tra", "eng chi_tra", "eng, chi_tra"])
def test_languages_may_be_joined_in_every_usual_way(written: str) -> None:
    assert load(OcrServerSettings, None, {}, [f"OCR.languages={written}"]).ocr.languages == ("eng", "chi_tra")


def test_the_older_spelling_of_max_process_is_read_and_gives_way(tmp_path: Path) -> None:
    old = _ini(tmp_path, "[Process]\nmax_process = 3\n")
    assert load(OcrServerSettings, old, {}).process_pool.max_process == 3
    both = _ini(tmp_path, "[ProcessPool]\nmax_process = 2\n[Process]\nmax_process = 3\n")
    assert load(OcrServerSettings, both, {}).process_pool.max_process == 2


@pytest.mark.parametrize(
    ("ini", "words"),
    [
        ("[WebSocket]\nprot = 1\n", ["some.ini", "[WebSocket]", "'prot'", "port"]),
        ("[Websockets]\nport = 1\n", ["some.ini", "[Websockets]", "[WebSocket]"]),
        ("[WebSocket]\nport = many\n", ["some.ini", "[WebSocket]", "port", "'many'", "1 to 65535"]),
        ("[WebSocket]\nport = 65536\n", ["port", "1 to 65535"]),
        ("[WebSocket]\nport =\n", ["port", "1 to 65535"]),
        ("[Client]\nanswer_timeout = nan\n", ["answer_timeout", "a number"]),
        ("port = 1\n", ["some.ini"]),
        ("[WebSocket]\nport = 1\nport = 2\n", ["some.ini", "port"]),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(tmp_path: Path, ini: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load(ClientSettings, _ini(tmp_path, ini), {})
    assert [word for word in words if word not in str(caught.value)] == []


def test_a_wrong_choice_names_the_choices() -> None:
    with pytest.raises(SettingsError, match="quorum, classic, transient"):
        load(GatewaySettings, None, {}, ["RabbitMQ.queue_type=stream"])


def test_a_wrong_environment_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="OCR_WEBSOCKET_PRT"):
        load(ClientSettings, None, {"OCR_WEBSOCKET_PRT": "1"})


def test_variables_of_other_services_and_programs_are_left_alone() -> None:
    environment = {"OCR_RABBITMQ_HOST": "x", "OCR_WEBSOCKET_IDLE_TIMEOUT": "1", "OCR_SOMETHING_ELSE": "1", "HOME": "/"}
    assert load(ClientSettings, None, environment) == ClientSettings()


@pytest.mark.parametrize("assignment", ["WebSocket.port", "port=1", "=1", ""])
def test_a_malformed_assignment_is_refused(assignment: str) -> None:
    with pytest.raises(SettingsError, match=r"Section\.key=value"):
        load(ClientSettings, None, {}, [assignment])


def test_the_password_comes_from_its_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("from the file\n", "utf-8")
    settings = load(GatewaySettings, None, {}, [f"RabbitMQ.password_file={secret}"])
    assert settings.rabbitmq.password == "from the file"
    with pytest.raises(SettingsError, match="password_file"):
        load(GatewaySettings, None, {}, [f"RabbitMQ.password_file={secret}-missing"])


def test_a_settings_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing\.ini"):
        load(ClientSettings, tmp_path / "missing.ini", {})


def test_secrets_are_never_printed() -> None:
    settings = load(GatewaySettings, None, {}, ["RabbitMQ.password=hunter2"])
    assert "hunter2" not in describe(settings)
    assert "RabbitMQ.password=***" in describe(settings)
    client = load(ClientSettings, None, {}, ["WebSocket.url=wss://user:hunter2@ocr.example/x"])
    assert "hunter2" not in describe(client)
    assert "wss://ocr.example/x" in describe(client)


@pytest.mark.parametrize(
    "ini",
    [
        "password = hunter2\n",
        "[RabbitMQ]\npassword hunter2\n",
        "[RabbitMQ]\npassword = a\n  hunter2\n",
        "[RabbitMQ]\npassword = a\npassword = hunter2\n",
        "[RabbitMQ]\nport = 1\n[RabbitMQ]\npassword = hunter2\n",
    ],
)
def test_no_error_prints_a_password_of_the_file(tmp_path: Path, ini: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(GatewaySettings, _ini(tmp_path, ini), {})
    assert "hunter2" not in str(caught.value)
    assert "some.ini" in str(caught.value)


@pytest.mark.parametrize("assignment", ["password=hunter2", "hunter2", "RabbitMQ.passwrd=hunter2"])
def test_no_error_prints_a_password_of_the_command_line(assignment: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(GatewaySettings, None, {}, [assignment])
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "assignment",
    [
        *("RabbitMQ.host=", "RabbitMQ.result_queue=", "RabbitMQ.max_pending=99999999999999999999"),
        *("RabbitMQ.max_pending_bytes=9223372036854775808", "WebSocket.idle_timeout=1e9", "RabbitMQ.virtual_host="),
        *(
            f"RabbitMQ.result_queue={name}"
            for name in ("pending_queue", "dead_letter_queue", "amq.x", "held.x", 256 * "x")
        ),
    ],
)
def test_values_that_nothing_could_work_with_are_refused(assignment: str) -> None:
    with pytest.raises(SettingsError, match="Allowed"):
        load(GatewaySettings, None, {}, [assignment])


@pytest.mark.parametrize("name", ["result_queue.second", "pending_queue.answers", "results of gateway 2", 255 * "x"])
def test_a_result_queue_may_have_any_name_of_its_own(name: str) -> None:
    assert load(GatewaySettings, None, {}, [f"RabbitMQ.result_queue={name}"]).rabbitmq.result_queue == name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("client_settings.ini", ClientSettings),
        ("websocket_server_settings.ini", GatewaySettings),
        ("ocr_server_settings.ini", OcrServerSettings),
    ],
)
def test_the_ini_files_name_every_key_with_its_default(name: str, kind: type[Any]) -> None:
    assert load(kind, SETTINGS / name, {}) == kind()
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(SETTINGS / name, "utf-8")
    written = sum(len(parser.options(section)) for section in parser.sections())
    assert written == len(describe(kind()).split(" "))

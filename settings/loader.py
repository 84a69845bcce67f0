"""Loads a service's settings: built-in default < ini file < environment < `--set`, typed and checked.

Pure but for reading the ini file and the password file. Every error names where the value came from, its section,
its key and what is allowed.
"""

import configparser
import dataclasses
import math
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from .schema import ALIASES, SERVICES

T = TypeVar("T")

ENVIRONMENT_PREFIX: Final = "OCR_"
_TRUE, _FALSE = ("yes", "true", "on", "1"), ("no", "false", "off", "0")


class SettingsError(Exception):
    """A setting that is wrong, unknown or cannot be read; the message names file, section and key."""


@dataclasses.dataclass(frozen=True)
class Given:
    """A value as somebody wrote it, and where."""

    section: str
    key: str
    value: str
    source: str


def load(kind: type[T], ini_file: Path | None, environment: Mapping[str, str], assignments: Sequence[str] = ()) -> T:
    """The settings of a service, `kind` being its class in `settings.schema`.

    ini_file: None means built-in defaults only. assignments: as `--set` takes them, "Section.key=value".
    Raises SettingsError.
    """
    values: dict[tuple[str, str], Any] = {}
    for given in [
        *(_from_ini(ini_file) if ini_file else ()),
        *_from_environment(kind, environment),
        *map(_from_assignment, assignments),
    ]:
        section_name, field = _find(kind, given)
        values[section_name, field.name] = _typed(given, field)
    sections = {}
    for attribute in _fields(kind):
        name = attribute.metadata["section"]
        changes = {key: value for (section, key), value in values.items() if section == name}
        sections[attribute.name] = _with_password(attribute.default_factory(**changes))
    return kind(**sections)


def describe(settings: Any) -> str:
    """All settings in one line, "Section.key=value …", secrets masked."""
    words = []
    for attribute in _fields(type(settings)):
        section = getattr(settings, attribute.name)
        for field in _fields(type(section)):
            value = getattr(section, field.name)
            words.append(f"{attribute.metadata['section']}.{field.name}={_printed(field, value)}")
    return " ".join(words)


def _printed(field: Any, value: Any) -> str:
    if field.metadata["secret"]:
        return "***" if value else "''"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(value) or "''"
    if isinstance(value, float):
        return f"{value:g}"
    return _without_user(str(value)) or "''"


def _without_user(value: str) -> str:
    """A URL may carry a password before the @; nobody needs to see it."""
    if "://" not in value:
        return value
    parts = urllib.parse.urlsplit(value)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _fields(kind: Any) -> Sequence[Any]:
    return dataclasses.fields(kind)


def _from_ini(path: Path) -> Iterator[Given]:
    # No interpolation, and no section whose keys would spread into all others: the files are plain lists.
    parser = configparser.ConfigParser(interpolation=None, default_section="\0")
    try:
        parser.read_string(path.read_text("utf-8-sig"), source=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error}.") from error
    except configparser.Error as error:
        # Not its own words: they hold the line, which may be a password's.
        raise SettingsError(f"The settings file {path} is not a valid ini file: {_where(error)}.") from None
    given = [
        Given(section, key, value, f"file {path}")
        for section in parser.sections()
        for key, value in parser.items(section)
    ]
    # An older spelling gives way to the present one, wherever in the file it stands.
    yield from sorted(given, key=lambda one: (one.section.lower(), one.key.lower()) not in ALIASES)


def _where(error: configparser.Error) -> str:
    if isinstance(error, configparser.DuplicateOptionError):
        return f"line {error.lineno} has [{error.section}] {error.option} for the second time"
    if isinstance(error, configparser.DuplicateSectionError):
        return f"line {error.lineno} has [{error.section}] for the second time"
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno} stands before the first [section]"
    if isinstance(error, configparser.ParsingError):
        return f"line {', '.join(str(number) for number, _ in error.errors)} is not of the form key = value"
    return type(error).__name__


def _from_environment(kind: type, environment: Mapping[str, str]) -> Iterator[Given]:
    """Variables that belong to another service are left to it; one that fits no section is not ours at all."""
    ours, others = _known_keys(kind), {known for service in SERVICES for known in _known_keys(service)}
    sections = {section for section, _ in others}
    for variable, value in environment.items():
        rest = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        section = max((one for one in sections if rest.startswith(f"{one}_")), key=len, default=None)
        if section is None:
            continue
        key = rest.removeprefix(f"{section}_")
        if (section, key) in ours or (section, key) not in others:
            yield Given(section, key, value, f"environment variable {variable}")


def _known_keys(kind: type) -> set[tuple[str, str]]:
    known = {
        (attribute.metadata["section"].lower(), field.name)
        for attribute in _fields(kind)
        for field in _fields(attribute.default_factory)
    }
    return known | {old for old, (section, key) in ALIASES.items() if (section.lower(), key) in known}


def _from_assignment(assignment: str) -> Given:
    name, equals, value = assignment.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot):
        shown = f"{name}=…" if equals else "without a '='"  # it may hold a password
        raise SettingsError(f"--set {shown} is not of the form Section.key=value, as in --set WebSocket.port=8765.")
    return Given(section, key, value, f"--set {name.strip()}")


def _find(kind: type, given: Given) -> tuple[str, Any]:
    asked = (given.section.lower(), given.key.lower())
    section_name, key = ALIASES.get(asked, (given.section, given.key.lower()))
    by_name = {attribute.metadata["section"].lower(): attribute for attribute in _fields(kind)}
    attribute = by_name.get(section_name.lower())
    if attribute is None:
        allowed = ", ".join(f"[{one.metadata['section']}]" for one in by_name.values())
        raise SettingsError(f"{given.source}: there is no section [{given.section}]. Allowed: {allowed}.")
    fields = {field.name: field for field in _fields(attribute.default_factory)}
    if key not in fields:
        name = attribute.metadata["section"]
        raise SettingsError(f"{given.source}: section [{name}] has no key '{given.key}'. Allowed: {', '.join(fields)}.")
    return attribute.metadata["section"], fields[key]


def _typed(given: Given, field: Any) -> Any:
    text, choices, low, high = (
        given.value.strip(),
        *(field.metadata[one] for one in ("choices", "low", "high")),
    )
    if field.type is bool:
        if text.lower() in _TRUE + _FALSE:
            return text.lower() in _TRUE
        raise _wrong(given, "yes or no")
    if field.type in (int, float):
        allowed = _range(field.type, low, high)
        try:
            number = field.type(text)
        except ValueError:
            raise _wrong(given, allowed) from None
        if not math.isfinite(number) or (low is not None and number < low) or (high is not None and number > high):
            raise _wrong(given, allowed)
        return number
    if field.type == tuple[str, ...]:
        return tuple(text.replace(",", " ").replace("+", " ").split())
    if choices and text not in choices:
        raise _wrong(given, ", ".join(choices))
    _check_text(given, field, text)
    return text


def _check_text(given: Given, field: Any, text: str) -> None:
    form = field.metadata["form"]
    if field.metadata["needed"] and not text:
        raise _wrong(given, "not empty")
    if form and not re.fullmatch(form[0], text):
        raise _wrong(given, form[1])
    if "password" in field.name and "\n" in text:
        raise _wrong(given, "one line")


def _wrong(given: Given, allowed: str) -> SettingsError:
    shown = "***" if "password" in given.key.lower() else repr(given.value)
    return SettingsError(f"{given.source}: [{given.section}] {given.key} = {shown} is not allowed. Allowed: {allowed}.")


def _range(kind: type, low: float | None, high: float | None) -> str:
    name = "a whole number" if kind is int else "a number"
    if low is not None and high is not None:
        return f"{name} from {low:g} to {high:.0f}"
    return name if low is None else f"{name}, {low:g} or more"


def _with_password(section: Any) -> Any:
    path = getattr(section, "password_file", "")
    if not path:
        return section
    try:
        password = Path(path).read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"[RabbitMQ] password_file = {path} cannot be read: {error}.") from error
    return dataclasses.replace(section, password=password)

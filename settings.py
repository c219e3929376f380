"""Configuration: one YAML file and a few environment variables become typed, frozen settings.

The file has the key layout that users of Harmony Speech Engine already have; theirs loads unchanged.
A key that we do not know refuses to start and names the right ones. Nothing else reads the environment.

    HARMONY_CONFIG    the file to load instead of the embedded configuration.yaml
    HARMONY_HOME      where weights are kept (default: harmony-speech in the user's cache folder)
    HARMONY_OFFLINE   1: never download, use what is there
    HARMONY_LOG_FORMAT   json or text; HARMONY_LOG_LEVEL: debug, info, warning or error
    HARMONY_API_KEYS  API keys beside those of the file: NAME:KEY or NAME:admin:KEY, separated by commas
    BENTO_CLOUD_API_KEY   the secret that a runner on TCP demands, and that BentoML sends to one
"""

from __future__ import annotations

import difflib
import logging
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import ErrorDetails

from callers import NAME, AuthSettings, KeySettings, Rates, check_keys, environment_keys, hash_of
from errors import SettingsError

logger = logging.getLogger(__name__)

Options = TypeVar("Options")

BUNDLE = Path(__file__).resolve().parent

# Keys of Harmony Speech Engine whose job is done elsewhere here: accepted, so that its files load, and
# said aloud, so that nobody trusts them.
FOREIGN_KEYS = {
    "trust_remote_code": "code never comes with weights here",
    "download_dir": "set HARMONY_HOME instead",
    "load_format": "the family knows its own format",
    "code_revision": "code never comes with weights here",
    "enforce_eager": "there are no CUDA graphs to turn off",
}


class _NoDuplicates(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error; PyYAML lets the last one win, silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = Counter(
            str(key.value) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"
        )
        for key, count in keys.items():
            if count > 1:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key} stands {count} times", problem_mark=node.start_mark
                )
        return super().construct_mapping(node, deep)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


FOREVER = -1.0  # of a keep_alive: until somebody says otherwise
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def seconds(value: Any) -> float:
    """A duration as people write it: 90, "90", "10m", "1h30m"; -1 means for ever."""
    text = str(value).strip()
    if not isinstance(value, bool) and re.fullmatch(rf"(?:{PART.pattern})+", text):
        return sum(float(amount) * UNITS[unit] for amount, unit in PART.findall(text))
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if found == FOREVER or 0 <= found < math.inf:
        return found
    raise ValueError(
        f'a duration is seconds, or like "10m" or "1h30m", or -1 for ever, not {value}'
    )


Duration = Annotated[float, BeforeValidator(seconds)]


class DeviceSettings(_Strict):
    device: str = Field("cpu", pattern=r"^(auto|cpu|(cuda|rocm)(:\d+)?)$")
    device_map: str | None = None  # Harmony Speech Engine's; only "auto" was ever meaningful


class RunnerSettings(_Strict):
    """One entry of `model_configs`: one model, served by one runner."""

    name: str = Field(pattern=NAME)
    model: str = Field(min_length=1)
    model_type: str = Field(min_length=1)
    language: str | None = None
    voices: tuple[str, ...] = ()
    revision: str | None = None
    seed: int | None = None
    dtype: Literal[
        "auto",
        "float32",
        "float",
        "float16",
        "half",
        "bfloat16",
        "int8",
        "int8_float16",
        "int8_float32",
        "int8_bfloat16",
    ] = "auto"
    device_config: DeviceSettings = DeviceSettings()
    max_batch_size: int = Field(1, ge=1, le=1024)
    batch_budget: float | None = Field(None, gt=0)  # padded size of one batch, in the family's unit
    workers: int = Field(1, ge=1, le=64)  # batches that run at the same time
    threads: int = Field(1, ge=1, le=256)  # processor threads of each
    max_queue: int = Field(256, ge=1)
    lazy: bool = False  # loaded when it is first asked for, not at the start
    keep_alive: Duration = FOREVER  # from the last use until it is unloaded
    fallback: str | None = None  # the model that serves while this one cannot
    options: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def device(self) -> str:
        return self.device_config.device

    @property
    def source(self) -> str:
        return f"{self.model}@{self.revision}" if self.revision else self.model


class Limits(_Strict):
    """What one request may ask for; each limit is named in the error that it causes."""

    max_text_characters: int = Field(100_000, ge=1)
    max_upload_bytes: int = Field(512 * 1024**2, ge=1)
    max_audio_seconds: float = Field(6 * 3600, gt=0)
    max_realtime_sessions: int = Field(32, ge=1)


class Timeouts(_Strict):
    request: float = Field(3600, gt=0)  # seconds from the first byte in to the last byte out
    health: float = Field(1.5, gt=0, le=10)  # what one runner gets to say that it lives
    realtime_idle: float = Field(300, gt=0)  # how long a realtime session may send nothing


class CorsSettings(_Strict):
    """Whose pages a browser lets call us."""

    origins: tuple[
        Annotated[str, Field(pattern=r"^(\*|[a-z][a-z0-9+.-]*://[^/?#\sA-Z]+)$")], ...
    ] = ()


class ApiSettings(_Strict):
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    auth: AuthSettings = AuthSettings()
    rates: Rates = Rates()
    cors: CorsSettings = CorsSettings()
    remembered_voices: int = Field(1024, ge=0)  # of recordings, in memory only


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Choices = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


class Settings(_Strict):
    model_configs: tuple[RunnerSettings, ...] = Field(min_length=1)
    aliases: Mapping[str, str] = Field(default_factory=dict)
    voice_aliases: Mapping[str, Choices] = Field(default_factory=dict)
    preload: tuple[str, ...] | None = (
        None  # the only models to load at the start; None: all not lazy
    )
    memory_budget: Mapping[str, ByteSize] = Field(
        default_factory=dict
    )  # of a device's models together
    api: ApiSettings = ApiSettings()

    def loaded_at_start(self, entry: RunnerSettings) -> bool:
        return not entry.lazy if self.preload is None else entry.name in self.preload


class LogSettings(_Strict):
    """How the log is told. Only the environment says it: it must be known before a file is read."""

    format: Literal["json", "text"] = "json"
    level: Literal["debug", "info", "warning", "error"] = "info"


def log_settings() -> LogSettings:
    """What HARMONY_LOG_FORMAT and HARMONY_LOG_LEVEL say."""
    format, level = os.environ.get("HARMONY_LOG_FORMAT"), os.environ.get("HARMONY_LOG_LEVEL")
    given = {"format": format and format.lower(), "level": level and level.lower()}
    try:
        return LogSettings.model_validate({key: value for key, value in given.items() if value})
    except ValidationError as error:
        wrong = error.errors()[0]
        raise SettingsError(f"HARMONY_LOG_{str(wrong['loc'][0]).upper()}: {wrong['msg']}") from None


def metrics_folder() -> str | None:
    """Where the processes of one service keep their numbers; BentoML makes it when it serves."""
    return os.environ.get("PROMETHEUS_MULTIPROC_DIR")


def load(path: Path | None = None) -> Settings:
    """The settings in `path`, else in HARMONY_CONFIG, else the embedded ones."""
    path = path or Path(os.environ.get("HARMONY_CONFIG") or BUNDLE / "configuration.yaml")
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), _NoDuplicates)  # noqa: S506
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not YAML: {error}") from error
    more = environment_keys(os.environ.get("HARMONY_API_KEYS", ""))
    return _with_keys(parse(tree, where=str(path)), more, where=str(path))


def parse(tree: Any, where: str = "configuration") -> Settings:
    """Settings from the plain tree of a YAML file."""
    if not isinstance(tree, dict):
        raise SettingsError(f"{where}: expected a mapping with the key model_configs")
    if "model_configs" in tree:
        tree = {**tree, "model_configs": _without_foreign_keys(tree["model_configs"], where)}
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        problems = "\n".join(f"  {_explain(detail)}" for detail in error.errors())
        raise SettingsError(f"{where}:\n{problems}") from error
    _check_names(settings, where)
    return settings


def options_of(kind: type[Options], settings: RunnerSettings) -> Options:
    """An entry's `options` as its family's own knobs, checked as strictly as every other key."""
    types = get_type_hints(kind, include_extras=True)
    values = {}
    for key, value in settings.options.items():
        place = f"{settings.name}: options.{key}"
        if key not in types:
            raise SettingsError(f"{place}: {_unknown(key, types)}")
        try:
            values[key] = TypeAdapter(types[key]).validate_python(value)
        except ValidationError as error:
            raise SettingsError(
                f"{place}: {error.errors()[0]['msg']}; known here: {', '.join(sorted(types))}"
            ) from error
    return kind(**values)


def weights_root() -> Path:
    """The folder in which weights are kept between starts."""
    home = os.environ.get("HARMONY_HOME")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) if home else Path(cache) / "harmony-speech"


def offline() -> bool:
    return os.environ.get("HARMONY_OFFLINE", "") not in ("", "0")


def runner_token_hash() -> str | None:
    """Of the secret between a public service and its runners on TCP; None if there is none.

    The variable is BentoML's own, because its proxies take from it what they send to runners.
    """
    token = os.environ.get("BENTO_CLOUD_API_KEY")
    return hash_of(token) if token else None


def _without_foreign_keys(entries: Any, where: str) -> Any:
    if not isinstance(entries, list):
        return entries
    for entry in entries:
        for key in FOREIGN_KEYS.keys() & (entry if isinstance(entry, dict) else {}):
            logger.warning("%s: %s has no effect: %s", where, key, FOREIGN_KEYS[key])
    return [
        {key: value for key, value in entry.items() if key not in FOREIGN_KEYS}
        if isinstance(entry, dict)
        else entry
        for entry in entries
    ]


def _explain(detail: ErrorDetails) -> str:
    location = detail["loc"]
    place = ".".join(str(part) for part in location)
    if detail["type"] != "extra_forbidden":
        return f"{place}: {detail['msg']}"
    return f"{place}: {_unknown(str(location[-1]), _model_at(location[:-1]).model_fields)}"


def _unknown(key: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"unknown key; {hint}known here: {', '.join(sorted(known)) or 'none'}"


def _model_at(location: tuple[int | str, ...]) -> type[BaseModel]:
    """The settings class that a place in the tree is checked against."""
    model: type[BaseModel] = Settings
    for part in location:
        if isinstance(part, int):
            continue
        annotation: Any = model.model_fields[part].annotation
        model = get_args(annotation)[0] if get_origin(annotation) is tuple else annotation
    return model


def _check_names(settings: Settings, where: str) -> None:
    _check_lives(settings, where)
    names = Counter(entry.name for entry in settings.model_configs)
    for name, count in names.items():
        if count > 1:
            raise SettingsError(f"{where}: model_configs: the name {name} is used {count} times")
        if name in settings.aliases:
            raise SettingsError(f"{where}: aliases: {name} is a configured model already")
    for alias, target in settings.aliases.items():
        if target not in names:
            raise SettingsError(
                f"{where}: aliases: {alias} means {target}, which is not configured; "
                f"configured are {', '.join(names)}"
            )
    check_keys(settings.api.auth.keys, where)


def _check_lives(settings: Settings, where: str) -> None:
    entries = {entry.name: entry for entry in settings.model_configs}
    devices = {entry.device for entry in settings.model_configs}
    for name in settings.preload or ():
        if name not in entries:
            raise SettingsError(f"{where}: preload: {name} is not configured")
        if entries[name].lazy:
            raise SettingsError(f"{where}: preload: {name} is lazy; it cannot be both")
    for device in settings.memory_budget.keys() - devices:
        raise SettingsError(
            f"{where}: memory_budget: no model is on {device}; devices are {', '.join(sorted(devices))}"
        )
    for name, entry in entries.items():
        chain = [name]
        while (fallback := entry.fallback) is not None:
            if fallback not in entries:
                raise SettingsError(f"{where}: {entry.name}: fallback {fallback} is not configured")
            if fallback in chain:
                raise SettingsError(
                    f"{where}: fallbacks go round: {' → '.join([*chain, fallback])}"
                )
            chain.append(fallback)
            entry = entries[fallback]


def _with_keys(settings: Settings, more: tuple[KeySettings, ...], where: str) -> Settings:
    keys = settings.api.auth.keys + more
    check_keys(keys, f"{where} and HARMONY_API_KEYS")
    auth = settings.api.auth.model_copy(update={"keys": keys})
    api = settings.api.model_copy(update={"auth": auth})
    return settings.model_copy(update={"api": api})

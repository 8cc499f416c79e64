"""``lockstep.toml`` and the environment, composed of the sections that each package defines.

Read once, at an entry point. Constructors elsewhere take plain values, never these objects' whole.
"""

import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from retrieval.errors import ConfigurationError
from retrieval.prompt import Prompt
from retrieval.search_settings import SearchSettings
from retrieval.settings import ChunkingSettings, EmbedderSettings, IndexSettings, IngestSettings
from retrieval.toml_files import expected, read_toml, shown
from training.settings import GeneratorSettings, TrainingSettings

PREFIX, DELIMITER = "LOCKSTEP_", "__"


class ServiceSettings(BaseModel):
    """How ``lockstep serve`` listens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    """Only this machine by default. Beyond it the service asks every client for a key: `lockstep keys create`."""
    port: int = Field(default=8000, ge=0, le=65535)
    """0 takes a free one."""
    public_url: str | None = Field(default=None, pattern=r"^https?://[^/\s?#]+[^\s?#]*$")
    """Where clients reach the service, for links to documents; by default as each client called it."""
    hosts: tuple[str, ...] = ()
    """Names besides this machine's own and that of public_url under which clients may call the service."""
    origins: tuple[str, ...] = ()
    """Origins of pages elsewhere that may call it from a browser, such as `https://chat.example.org`."""
    log_questions: bool = False
    """Write what is asked into the log. The line of a request names route, status, time, release and tokens."""
    max_body_bytes: int = Field(default=4 * 2**20, ge=1024)
    max_wait_seconds: float = Field(default=30.0, gt=0)
    """A request that would take longer, by the queue and the measured rate, is answered with 429 at once."""
    poll_seconds: float = Field(default=0.3, gt=0, le=60)
    """How often the service looks for another active release and for changed documents."""
    shutdown_seconds: int = Field(default=30, ge=0)
    """How long requests may go on after the service was told to stop."""


class Settings(BaseSettings):
    """Every section of ``lockstep.toml``. The environment wins: ``LOCKSTEP_SEARCH__TOP_K=5``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, extra="forbid", frozen=True, env_ignore_empty=True
    )

    embedder: EmbedderSettings = EmbedderSettings()
    generator: GeneratorSettings = GeneratorSettings()
    index: IndexSettings = IndexSettings()
    ingest: IngestSettings = IngestSettings()
    chunking: ChunkingSettings = ChunkingSettings()
    search: SearchSettings = SearchSettings()
    prompt: Prompt = Prompt()
    training: TrainingSettings = TrainingSettings()
    service: ServiceSettings = ServiceSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file; the file's content comes as keyword arguments."""
        return env_settings, init_settings


def load_settings(path: Path) -> Settings:
    """The settings of a ``lockstep.toml`` and the environment.

    Raises:
        ConfigurationError: the file cannot be read, or a key or value is not possible.
    """
    content = read_toml(path, such_as='top_k = 10` or `model = "name"')
    _refuse_unknown_variables()
    try:
        return Settings(**content)
    except ValidationError as error:
        raise ConfigurationError(_first_fault(error, path)) from error
    except SettingsError as error:
        raise ConfigurationError(
            f"the environment: {error}; expected a value such as {PREFIX}SEARCH{DELIMITER}TOP_K=5"
        ) from error


def _refuse_unknown_variables() -> None:
    """Refuse ``LOCKSTEP_SERACH__TOP_K``; pydantic-settings only looks for the names that it knows.

    Names without the delimiter are left alone: Kubernetes sets ``LOCKSTEP_SERVICE_HOST`` and the like
    in every container beside a service named lockstep.
    """
    for variable in os.environ:
        section, found, _ = variable.removeprefix(PREFIX).partition(DELIMITER)
        if variable.startswith(PREFIX) and found and section.lower() not in Settings.model_fields:
            known = list(Settings.model_fields)
            raise ConfigurationError(
                f"the environment: found {variable}, but there is no section [{section.lower()}]"
                f"{_suggest(section.lower(), known)}; expected one of: {', '.join(known)}"
            )


def _first_fault(error: ValidationError, path: Path) -> str:
    fault = error.errors(include_url=False)[0]
    location = [part for part in fault["loc"] if isinstance(part, str)]
    key = ".".join(str(part) for part in fault["loc"])
    variable = _variable(location)
    origin = f"the environment's {variable}" if variable else str(path)
    if fault["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        kind = "section" if len(location) == 1 else "key"
        hint = _suggest(location[-1], known)
        return f"{origin}: found unknown {kind} `{key}`{hint}; expected one of: {', '.join(known)}"
    found = "(a secret)" if "api_key" in location else shown(fault.get("input"))
    return f"{origin}: found {key} = {found}; {expected(fault)}: correct it"


def _variable(location: Sequence[str]) -> str | None:
    """The environment variable that set the value at a location, if one did."""
    wanted = [PREFIX + DELIMITER.join(location[:depth]) for depth in range(len(location), 0, -1)]
    present = {name.upper(): name for name in os.environ}
    return next((present[name.upper()] for name in wanted if name.upper() in present), None)


def _known_keys(location: Sequence[str]) -> list[str]:
    model: Any = Settings
    for part in location:
        model = model.model_fields[part].annotation
    return list(model.model_fields)


def _suggest(found: str, known: Sequence[str]) -> str:
    nearest = get_close_matches(found, known, n=1)
    return f" (did you mean `{nearest[0]}`?)" if nearest else ""

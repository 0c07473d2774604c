"""The root of the configuration: everything that can be set, checked and frozen.

The file lies under the environment: ``Settings.layered`` merges both, mapping by mapping. Secrets are not in here, only their
names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field, PlainValidator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from monitor.config.account import AccountSettings
from monitor.config.exchanges import read_account
from monitor.config.rules import Rules
from monitor.config.strict import Strict
from monitor.config.suggest import NAME
from monitor.config.timezones import Timezone, system_timezone
from monitor.config.units import Name, WrittenPath, complain


class ChannelSettings(Strict):
    """One way to people."""

    url_from: Name
    """Names the secret that holds the channel's apprise URL."""


def _named(accounts: object) -> object:
    """Accounts as written, each with its own name as the default of ``credentials`` (what is no name is told once)."""
    if not isinstance(accounts, Mapping):
        return accounts
    if not accounts:
        complain("at least one account is needed")
    return {
        name: {"credentials": name if NAME.fullmatch(name) else "main", **account} if isinstance(account, Mapping) else account
        for name, account in accounts.items()
    }


def _some(channels: object) -> object:
    if isinstance(channels, Mapping) and not channels:
        complain("at least one channel is needed: alerts must reach somebody")
    return channels


class Settings(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    accounts: Annotated[dict[Name, Annotated[AccountSettings, PlainValidator(read_account)]], BeforeValidator(_named)]
    """The accounts to watch, each under a name of your own."""
    channels: Annotated[dict[Name, ChannelSettings], BeforeValidator(_some)]
    """Where alerts go, each channel under a name of your own."""
    timezone: Timezone = Field(default_factory=system_timezone)
    """Of the times in messages and of quiet hours; default this machine's."""
    rules: Rules = ()
    """What is worth an alert; a list replaces only the kinds it names."""
    store: WrittenPath | None = None
    """The database file; a relative path counts from the configuration file's folder."""
    secrets_dir: WrittenPath | None = None
    """A folder with one file for each secret; a relative path counts from the configuration file's folder."""

    @classmethod
    def layered(cls, *, environment: Mapping[str, object], file: Mapping[str, object]) -> Settings:
        """The settings of ``file`` with what ``environment`` sets laid over it; raises pydantic's ValidationError."""
        layers: dict[str, Any] = {"environment": environment, "file": file}
        return cls(**layers)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Our own two layers, the higher one first, in place of pydantic's sources: those know no lines and no duplicates."""
        del env_settings, dotenv_settings, file_secret_settings
        layers = cast("InitSettingsSource", init_settings).init_kwargs
        return tuple(InitSettingsSource(settings_cls, layers[name]) for name in ("environment", "file"))

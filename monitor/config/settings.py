"""The root of the configuration: everything that can be set, checked and frozen.

The file lies under the environment: ``Settings.layered`` merges both, mapping by mapping. Secrets are not in here, only their
names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, cast

from pydantic import BeforeValidator, Field, PlainValidator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from monitor.alerts.lifecycle import ACK_LAPSES
from monitor.config.account import AccountSettings
from monitor.config.channels import ChannelSettings
from monitor.config.events import EventsSettings
from monitor.config.exchanges import read_account
from monitor.config.levels import LevelsSettings
from monitor.config.matches import OverrideSettings, RouteSettings
from monitor.config.rules import Rules
from monitor.config.suggest import NAME
from monitor.config.telling import DigestSettings, EscalationSettings, HeartbeatSettings, IgnoreSettings, QuietHoursSettings
from monitor.config.timezones import Timezone, system_timezone
from monitor.config.top_ups import AccountCapsSettings, TopUpSettings
from monitor.config.units import Name, TimeSpan, WrittenPath, complain
from monitor.config.web import WebSettings

Item = TypeVar("Item")


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


def _none_is_empty(listed: object) -> object:
    """A key whose whole list is commented out."""
    return () if listed is None else listed


Listed = Annotated[tuple[Item, ...], BeforeValidator(_none_is_empty)]


class Settings(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    accounts: Annotated[dict[Name, Annotated[AccountSettings, PlainValidator(read_account)]], BeforeValidator(_named)]
    """The accounts to watch, each under a name of your own."""
    channels: Annotated[dict[Name, ChannelSettings], BeforeValidator(_some)]
    """Where alerts go, each channel under a name of your own."""
    timezone: Timezone = Field(default_factory=system_timezone)
    """Of the times in messages, of quiet hours and of the digest; default this machine's."""
    rules: Rules = ()
    """What is worth an alert; a list replaces only the kinds it names."""
    levels: LevelsSettings = LevelsSettings()
    """How each level is told: by which channels, how often again, whether in quiet hours."""
    events: EventsSettings = EventsSettings()
    """How loud it is told what happens to a position: opened, closed, liquidated and so on."""
    quiet_hours: QuietHoursSettings | None = None
    """Hours of every day in which only what passes them is told; default: none."""
    escalation: Listed[EscalationSettings] = ()
    """Who hears of an alert that nobody acknowledges, step by step."""
    routes: Listed[RouteSettings] = ()
    """Other channels for some alerts; the first that matches counts."""
    overrides: Listed[OverrideSettings] = ()
    """Other rules for some positions or accounts; the first that matches counts."""
    top_ups: Listed[TopUpSettings] = ()
    """Policies of automatic margin; the first that matches a position counts. Default: none."""
    top_up_account_caps: dict[Name, AccountCapsSettings] = Field(default_factory=dict)
    """For an account, the most that all its policies together may add."""
    ignore: IgnoreSettings = IgnoreSettings()
    """What is too small to be watched."""
    ack_lapses_after: TimeSpan = ACK_LAPSES
    """How long an acknowledgement keeps an alert quiet, unless it worsens."""
    heartbeat: HeartbeatSettings | None = None
    """A sign of life to a service that tells when it stays away."""
    digest: DigestSettings | None = None
    """A message a day that tells how things are; default: none."""
    web: WebSettings | None = None
    """Health and Prometheus metrics over HTTP; default: none."""
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

"""What every configuration model has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from monitor.config.yamlfile import KeyPath


class Strict(BaseModel):
    """A part of the configuration: unknown keys are errors, nothing changes after loading, no error shows what was given."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


def complain_at(complaints: Mapping[str, str] | Mapping[int, str] | Mapping[KeyPath, str]) -> NoReturn:
    """Stop with one message for each of these keys, indexes or paths within what is under validation."""
    raise ValidationError.from_exception_data(
        "settings",
        [
            InitErrorDetails(
                type=PydanticCustomError("plain", "{message}", {"message": message}),
                loc=place if isinstance(place, tuple) else (place,),
                input=None,
            )
            for place, message in complaints.items()
        ],
    )

"""Pydantic models as arguments, known by their methods: pydantic itself is never imported."""

from collections.abc import Mapping
from typing import Any


def is_model_class(candidate: object) -> bool:
    """Whether `candidate` is a class of pydantic models (version 2)."""
    return isinstance(candidate, type) and hasattr(candidate, "model_validate_json")


def dump(model: Any) -> Any:
    """What JSON can say of `model`, by its aliases, without computed fields."""
    return model.model_dump(mode="json", by_alias=True, round_trip=True)


def fields_of(model_class: Any) -> Mapping[str, Any]:
    """The fields of a model class by attribute: pydantic's FieldInfo."""
    fields: Mapping[str, Any] = model_class.model_fields
    return fields


def written_name(attribute: str, info: Any) -> str:
    """The name a field is written under."""
    return info.serialization_alias or info.alias or attribute


def read_name(attribute: str, info: Any) -> str:
    """The name a field is read by."""
    alias = info.validation_alias or info.alias
    return alias if isinstance(alias, str) else attribute

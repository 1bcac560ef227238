"""Turn what a model refuses into problems that name the file, the line and the remedy."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

    from tenants.yaml_source import Document, KeyPath

Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], document: Document) -> Model:
    """Build a model from a document.

    Raises:
        UsageError: Everything that the model refuses, each with its line.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise UsageError(
            _problem(model, document, detail) for detail in error.errors(include_url=False)
        ) from error


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return ``did you mean x? `` when a known word is close, else nothing."""
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}? " if close else ""


def _problem(model: type[BaseModel], document: Document, error: ErrorDetails) -> Problem:
    location = tuple(key for key in error["loc"] if key != "[key]")
    where = document.where(*location)
    context = error.get("ctx", {})
    kind = error["type"]
    shown = _shown(error["input"])
    if kind == "refused":
        what, why, how = context["what"], context["why"], context["how"]
    elif kind == "extra_forbidden":
        known = _fields_at(model, location[:-1])
        what = "there is no such key"
        why = "it would be ignored, and whoever wrote it would believe it works"
        how = f"{did_you_mean(str(location[-1]), known)}known keys here: {', '.join(known)}"
    elif kind == "missing":
        what = "the key is missing"
        why = "nothing sensible can be assumed in its place"
        how = "add it"
    elif kind in {"literal_error", "enum"}:
        known = _choices(context["expected"])
        what = f"{shown} is not one of the allowed words"
        why = "a misspelt word must not be taken for another one"
        how = f"{did_you_mean(str(error['input']), known)}allowed: {', '.join(known)}"
    else:
        what, why, how = _simple(kind, shown, error["msg"])
    return Problem(where=where, what=what, why=why, how=how)


def _simple(kind: str, shown: str, message: str) -> tuple[str, str, str]:
    if kind in {"int_type", "int_parsing"}:
        return (
            f"{shown} is not a whole number",
            "text that looks like a number is read differently by different programs",
            "write plain digits without quotes",
        )
    if kind in {"bool_type", "bool_parsing"}:
        return (
            f"{shown} is neither true nor false",
            "readers disagree about yes, no, on, off and quoted words",
            "write true or false without quotes",
        )
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return (
            f"{shown} stands where keys are expected",
            "its fields would all be lost",
            "write the fields below it, indented by two spaces, one `key: value` a line",
        )
    if kind in {"tuple_type", "list_type"}:
        return (
            f"{shown} stands where a list is expected",
            "a text would be taken apart letter by letter",
            "write one entry a line, each after `- `",
        )
    return (
        f"{shown}: {message[:1].lower()}{message[1:]}",
        "a value outside its range is a slip of the pen or would harm the tenant",
        "choose a value within the range",
    )


def _shown(value: object, longest: int = 60) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a group of keys"
    if isinstance(value, list):
        return "a list"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = text if text.isprintable() else ascii(value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def _choices(expected: str) -> list[str]:
    """Return the words of pydantic's ``'a', 'b' or 'c'``."""
    return [word.strip(" '") for word in expected.replace(" or ", ", ").split(",")]


def _fields_at(model: type[BaseModel], location: KeyPath) -> list[str]:
    """Return the keys that a model knows at a place inside it."""
    here: Any = model
    for key in location:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(str(key))
            here = _model_in(field.annotation) if field else None
        if here is None:
            return []
    return sorted(here.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401  # any type expression
    """Return the model inside a type such as ``Trial | None`` or ``dict[str, Plan]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        if found := _model_in(part):
            return found
    return None

"""Turn what a model refuses into problems that name the file, the line and the remedy."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from tenants.characters import shown
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
    value = shown(error["input"])
    if kind == "refused":
        what, why, how = context["what"], context["why"], context["how"]
    elif kind == "extra_forbidden":
        known = sorted(_model_at(model, location[:-1]).model_fields)
        what = "there is no such key"
        why = "it would be ignored, and whoever wrote it would believe it works"
        how = f"{did_you_mean(str(location[-1]), known)}known keys here: {', '.join(known)}"
    elif kind == "missing":
        what = "the key is missing"
        why = "nothing sensible can be assumed in its place"
        field = _model_at(model, location[:-1]).model_fields[str(location[-1])]
        how = f"add it: {field.description}"
    elif kind in {"literal_error", "enum"}:
        known = _choices(context["expected"])
        what = f"{value} is not one of the allowed words"
        why = "a misspelt word must not be taken for another one"
        how = f"{did_you_mean(str(error['input']), known)}allowed: {', '.join(known)}"
    else:
        what, why, how = _simple(error, value)
    return Problem(where=where, what=what, why=why, how=how)


_WRONG_KIND = {
    "int_type": (
        "is not a whole number",
        "text that looks like a number is read differently by different programs",
        "write plain digits without quotes",
    ),
    "bool_type": (
        "is neither true nor false",
        "readers disagree about yes, no, on, off and quoted words",
        "write true or false without quotes",
    ),
    "model_type": (
        "stands where keys are expected",
        "its fields would all be lost",
        "write the fields below it, indented by two spaces, one `key: value` a line",
    ),
    "tuple_type": (
        "stands where a list is expected",
        "a text would be taken apart letter by letter",
        "write one entry a line, each after `- `",
    ),
}
_WRONG_KIND["dict_type"] = _WRONG_KIND["model_type"]

_RANGES = {
    "greater_than_equal": ("is below {ge}", "write {ge} or more"),
    "less_than_equal": ("is above {le}", "write {le} or less"),
    "too_long": ("is longer than {max_length}", "keep it to {max_length} at most"),
}


def _simple(error: ErrorDetails, value: str) -> tuple[str, str, str]:
    """Return what, why and how for the errors of plain kinds and ranges."""
    if error["type"] in _RANGES:
        what, how = (text.format(**error["ctx"]) for text in _RANGES[error["type"]])
        return f"{value} {what}", "such a value is a slip of the pen or would harm the tenant", how
    what, why, how = _WRONG_KIND[error["type"]]
    return f"{value} {what}", why, how


def _choices(expected: str) -> list[str]:
    """Return the words of pydantic's ``'a', 'b' or 'c'``."""
    return [word.strip(" '") for word in expected.replace(" or ", ", ").split(",")]


def _model_at(model: type[BaseModel], location: KeyPath) -> type[BaseModel]:
    """Return the model at a place inside a model."""
    here = model
    for key in location:
        if key in here.model_fields:
            here = _model_in(here.model_fields[str(key)].annotation) or here
    return here


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401  # any type expression
    """Return the model inside a type such as ``Trial | None`` or ``dict[str, Plan]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)

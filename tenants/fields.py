"""The kinds of values that registry files hold, each with its rule and its reason.

Each type checks its text, explains a refusal in words, and carries the same rule as
a pattern into the JSON Schema, so that an editor underlines what the loader refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from tenants.characters import UNSAFE_CLASS, shown, unsafe_character
from tenants.quantities import BYTES_PATTERN, CPU_PATTERN

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue


def refusal(*, what: str, why: str, how: str) -> PydanticCustomError:
    """Return the error by which a validator refuses a value in the project's own words."""
    return PydanticCustomError("refused", "{what}", {"what": what, "why": why, "how": how})


def _require_text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise refusal(
        what=f"{shown(value)} is not text",
        why="numbers and yes/no words change on their way (leading zeros, exponents); text does not",
        how=f'write it in quotes: "{shown(value)}"' if isinstance(value, int) else "write one text in quotes",
    )


@dataclass(frozen=True)
class Matching:
    """Metadata of a text type whose values must match a pattern wholly.

    Attributes:
        pattern: Anchored by ``^`` and ``$``; the same text goes into the JSON Schema.
        what: What is wrong with a value that does not match: ``is not a DNS label``.
        why: What would go wrong with it.
        how: How a good one looks.
    """

    pattern: str
    what: str
    why: str
    how: str

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def _check(self, value: object) -> str:
        text = _require_text(value)
        if not self._compiled.fullmatch(text):
            unambiguous = text if text.isascii() else ascii(text)[1:-1]  # a Cyrillic a looks like a
            raise refusal(what=f"{shown(unambiguous)} {self.what}", why=self.why, how=self.how)
        return text

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._check, json_schema_input_schema=core_schema.str_schema()
        )

    def __get_pydantic_json_schema__(
        self, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": self.pattern}


LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


def _cron_field(number: str) -> str:
    """Return the pattern of one field of a schedule: a list of numbers, ranges and steps."""
    part = rf"(\*|({number})(-({number}))?)(/[1-9][0-9]?)?"
    return rf"{part}(,{part}){{0,11}}"


_CRON = " ".join(
    (
        _cron_field("[0-9]|[1-5][0-9]"),  # minute
        _cron_field("[0-9]|1[0-9]|2[0-3]"),  # hour
        _cron_field("[1-9]|[12][0-9]|3[01]"),  # day of the month
        _cron_field("[1-9]|1[0-2]"),  # month
        _cron_field("[0-6]"),  # day of the week
    )
)

TENANT_ID_PATTERN = r"^[a-z0-9][a-z0-9-]{1,30}[a-z0-9]$"

TenantId = Annotated[
    str,
    Matching(
        TENANT_ID_PATTERN,
        "is not a tenant id",
        "the id becomes a namespace and the first part of a host name, which allow nothing else",
        "use 3 to 32 lower-case letters, digits and inner hyphens",
    ),
]
CustomerId = Annotated[
    str,
    Matching(
        r"^cust_[0-9a-f]{32}$",
        "is not a customer id",
        "the id links the licence, the usage reports and the billing; another form matches none of them",
        "copy it from the billing: cust_ and 32 lower-case hexadecimal digits",
    ),
]
CellName = Annotated[
    str,
    Matching(
        r"^[a-z][a-z0-9-]{0,14}[a-z0-9]$",
        "is not a short DNS label",
        "it becomes a part of stack names and labels",
        "use 2 to 16 lower-case letters, digits and inner hyphens, a letter first",
    ),
]
Cpu = Annotated[
    str,
    Matching(
        CPU_PATTERN,
        "is not an amount of processor",
        "Kubernetes would refuse the tenant's pods, or give them far too much",
        'write thousandths or whole cores: "500m" or "2"',
    ),
]
Bytes = Annotated[
    str,
    Matching(
        BYTES_PATTERN,
        "is not an amount of memory or storage",
        "Kubernetes would refuse the tenant's pods or volumes, or give them far too much",
        'write whole mebibytes, gibibytes or tebibytes: "512Mi", "10Gi"',
    ),
]
StripeCustomerId = Annotated[
    str,
    Matching(
        r"^cus_[A-Za-z0-9]{8,64}$",
        "is not a Stripe customer id",
        "payments would be looked up under a customer that does not exist",
        "copy it from Stripe: it starts with cus_",
    ),
]
StripeSubscriptionId = Annotated[
    str,
    Matching(
        r"^sub_[A-Za-z0-9]{8,64}$",
        "is not a Stripe subscription id",
        "the subscription's status would never reach this tenant",
        "copy it from Stripe: it starts with sub_",
    ),
]
Host = Annotated[
    str,
    Matching(
        rf"^(?=.{{4,253}}$)({LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?$",
        "is not a host name",
        "it goes into routes and certificates, where anything else breaks them or opens them to others",
        "write a full name in lower-case ASCII (punycode for others), no scheme, port, path, * or address",
    ),
]
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
Address = Annotated[
    str,
    Matching(
        rf"^{_OCTET}(\.{_OCTET}){{3}}$",
        "is not an address",
        "it goes into a network policy, which Kubernetes would refuse, or which would open something else",
        'write one IPv4 address: "10.20.0.5"',
    ),
]
Version = Annotated[
    str,
    Matching(
        r"^v?[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}(-[0-9A-Za-z.-]{1,32})?(@sha256:[0-9a-f]{64})?$",
        "is not an exact version",
        "a moving tag such as latest already stands for two products that cannot replace each other",
        'name one release: "2.0.10", with @sha256:… to pin the image itself',
    ),
]
Cron = Annotated[
    str,
    Matching(
        rf"^{_CRON}$",
        "is not a cron schedule",
        "the backup would never run, and nobody would notice before it is needed",
        'write minute, hour, day, month and weekday in UTC: "30 2 * * *" is half past two every night',
    ),
]
StorageClassName = Annotated[
    str,
    Matching(
        rf"^{LABEL}(\.{LABEL}){{0,3}}$",
        "is not a storage class name",
        "the volumes would wait for ever for a class that cannot exist",
        "copy the name from `kubectl get storageclass`",
    ),
]
Region = Annotated[
    str,
    Matching(
        r"^[a-z][a-z0-9-]{1,30}[a-z0-9]$",
        "is not a region",
        "the tenant could not be placed",
        'use the cloud\'s own name: "eu-central-1", "westeurope"',
    ),
]
Email = Annotated[
    str,
    Matching(
        r"^(?=.{6,254}$)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
        r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$",
        "is not an e-mail address",
        "mails about the trial's end or a deletion would reach nobody",
        "write one plain address: name@example.com",
    ),
]


def _day(value: object) -> date:
    text = _require_text(value) if not isinstance(value, date) else value.isoformat()
    if not re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", text):
        raise refusal(
            what=f"{shown(text)} is not a date",
            why="a time or a zone leaves open on which day something ends; days here are days in UTC",
            how='write year, month and day: "2026-11-30"',
        )
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise refusal(
            what=f"{shown(text)} is a day that does not exist",
            why="a licence or a deletion would hang on it",
            how="look the day up in a calendar",
        ) from error


Day = Annotated[
    date,
    BeforeValidator(_day),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date",
            "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
        }
    ),
]
"""A day in UTC. The day itself is included: what ends on it ends at its last moment."""


def _readable(value: object) -> str:
    text = _require_text(value)
    if found := unsafe_character(text):
        raise refusal(
            what=f"holds an invisible or control character ({found.name})",
            why="it can make people and programs see different texts",
            how="delete it; ordinary letters of any script are welcome",
        )
    return text


def _one_line(value: object) -> str:
    text = _readable(value)
    if "\n" in text or text != text.strip() or not text:
        raise refusal(
            what=f"{shown(text)} is not one plain line",
            why="names are shown in tables, mails and licences, one line each",
            how="write it on one line without spaces around it",
        )
    return text


Line = Annotated[
    str,
    BeforeValidator(_one_line),
    WithJsonSchema(
        {"type": "string", "pattern": rf"^[^\s{UNSAFE_CLASS}]([^\n{UNSAFE_CLASS}]*[^\s{UNSAFE_CLASS}])?$"}
    ),
]
"""One line of text in any script, without invisible characters."""

Text = Annotated[
    str,
    BeforeValidator(_readable),
    WithJsonSchema({"type": "string", "pattern": rf"^[^{UNSAFE_CLASS}]*$"}),
]
"""Text in any script, without invisible characters."""

Flag = Annotated[bool, Field(strict=True)]
"""Yes or no, written ``true`` or ``false``."""

Number = Annotated[int, Field(strict=True)]
"""A whole number, written in plain digits."""

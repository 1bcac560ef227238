"""The engine's steps as plain data."""

from __future__ import annotations

from ops.automation.changes import Change, FieldChange, Operation, changes_of, look_up
from ops.automation.redaction import HIDDEN
from tests.unit.automation.steps import named, step


def test_the_gravest_comes_first_and_what_stays_is_left_out() -> None:
    steps = [
        step("same", "a", old=named("a"), new=named("a")),
        step("create", "b", new=named("b")),
        step("update", "c", old=named("c"), new=named("c")),
        step("delete", "d", old=named("d")),
        step("create-replacement", "e", old=named("e"), new=named("e")),
        step("replace", "e", old=named("e"), new=named("e")),
        step("delete-replaced", "e", old=named("e")),
        step("refresh", "f", old=named("f"), new=named("f")),
    ]
    assert [(one.operation, one.name) for one in changes_of(steps)] == [
        (Operation.DELETE, "customer-acme/d"),
        (Operation.REPLACE, "customer-acme/e"),
        (Operation.UPDATE, "customer-acme/c"),
        (Operation.CREATE, "customer-acme/b"),
    ]


def test_components_and_the_stack_are_no_objects() -> None:
    steps = [
        step("create", "acme", of_type="iotistic:customer:CustomerInstance", new={}),
        step("update", "iotistic-dev", of_type="pulumi:pulumi:Stack", old={}, new={}),
        step("create", "zone", of_type="aws:route53/zone:Zone", new={"name": "x"}),
    ]
    assert changes_of(steps) == (Change(operation=Operation.CREATE, kind="Zone", name="zone"),)


def test_deleted_and_made_under_one_name_is_replaced() -> None:
    steps = [step("delete", "a", old=named("a")), step("create", "a", new=named("a"))]
    assert [one.operation for one in changes_of(steps)] == [Operation.REPLACE]


def test_a_change_names_what_differs() -> None:
    old = named("api", spec={"replicas": 1, "ports": [{"port": 80}]})
    new = named("api", spec={"replicas": 3, "ports": [{"port": 81}]})
    (change,) = changes_of(
        [step("update", "api", old=old, new=new, diff=("spec.replicas", "spec.ports[0].port", "__fields"))]
    )
    assert change.fields == (
        FieldChange(path="spec.ports[0].port", before="80", after="81"),
        FieldChange(path="spec.replicas", before="1", after="3"),
    )


def test_what_drifted_is_read_from_the_cluster() -> None:
    old, new = named("api", spec={"replicas": 1}), named("api", spec={})
    (change,) = changes_of([step("update", "api", old=old, new=new, diff=("spec.replicas",), side="outputs")])
    assert change.fields == (FieldChange(path="spec.replicas", before="1", after=""),)


def test_secrets_are_hidden_by_kind_by_name_and_by_shape() -> None:
    before, after = named("x", stringData={"a": "one"}), named("x", stringData={"a": "two"})
    secret = step(
        "update", "s", of_type="kubernetes:core/v1:Secret", old=before, new=after, diff=("stringData.a",)
    )
    by_name = step("update", "d", old={"password": "one"}, new={}, diff=("password",))
    shape = step("update", "e", old={"url": "x://u:one@h"}, new={"url": "x://u:two@h"}, diff=("url",))
    fields = {one.name: one.fields for one in changes_of([secret, by_name, shape])}
    assert fields == {
        "customer-acme/x": (FieldChange(path="stringData.a", before=HIDDEN, after=HIDDEN),),
        "d": (FieldChange(path="password", before=HIDDEN, after=""),),
        "e": (FieldChange(path="url", before=f"x://{HIDDEN}@h", after=f"x://{HIDDEN}@h"),),
    }


def test_paths_are_read_as_the_engine_writes_them() -> None:
    properties = {"a": {"x/y.z": [{"b": 1}]}, 'c"d': 2}
    assert look_up(properties, 'a["x/y.z"][0].b') == 1
    assert look_up(properties, '["c\\"d"]') == 2
    assert look_up(properties, 'a["x/y.z"][7].b') is None
    assert look_up(properties, "a.nothing.b") is None

"""The types of what charts are told: for each chart a module, with exactly the keys that this program sets.

Most charts say nothing of a key that they do not know, so a misspelt one would change nothing and be seen
by nobody. The type checker refuses it here, and a value of another kind. A key that is wanted and not here
yet is added first, as the chart's own documentation spells it.

- A key may be left out where the chart's own value counts then; the program says the others always.
- Maps whose keys are anybody's choice (labels, annotations) are a ``Mapping``.
- A key that Python cannot write as a field (``global``, ``grafana.ini``) stands in a type of its own,
  which the chart's type extends.
- The type checker takes no ``**`` where keys may be left out, as what is unpacked could hold more than it
  says. There the fields that say where a pod goes are written out.

No module here postpones its annotations: a test asks the types for their keys while the program runs, and
what annotations name has to be there then.
"""

"""What continuous integration does: which stacks a change is about, what it would do, what drifted, who is told."""

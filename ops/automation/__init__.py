"""What continuous integration does: what a change is about and would do, what drifted, who is told."""

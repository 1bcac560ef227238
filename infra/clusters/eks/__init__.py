"""A cluster on Amazon EKS, and what AWS offers to what runs in it."""

"""A cluster on Azure Kubernetes Service, and what Azure offers to what runs in it."""

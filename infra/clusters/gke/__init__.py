"""A cluster on Google Kubernetes Engine, and what Google Cloud offers to what runs in it."""

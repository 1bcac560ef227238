"""The Pulumi program: clusters, the platform, and one customer instance per tenant."""

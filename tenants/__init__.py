"""The registry: who the customers are and what each of them gets. No Pulumi, no clock, no network."""

"""The gateway: any client, any protocol, any template, any model."""

"""The contract between the services: messages, topology, error codes. Pure; imports nothing but msgspec."""

__version__ = "0.1.0"

"""How a service is told what to do: its settings, its command line and the form of its log."""

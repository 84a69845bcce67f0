"""How well images are read: `python -m benchmarks.accuracy` from the top of the checkout."""

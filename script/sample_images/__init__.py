"""Draws the sample images: ``python -m script.sample_images`` from the top of the checkout."""

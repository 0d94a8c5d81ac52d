"""Times of the codec proxy and of a training step: `python -m benchmarks`."""

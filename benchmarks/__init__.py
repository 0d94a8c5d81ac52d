"""What is measured: in `speed` how long code takes (`python -m benchmarks`), in `quality` what trainings reach."""

"""What the factory costs, as ratios against peers measured in the same run: ``python -m benchmarks``."""

"""What is measured: one module per figure, each run as ``python -m bench.<figure>`` (bench/README.md)."""

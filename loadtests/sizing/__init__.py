"""What a load costs in machines: `python -m loadtests.sizing`. `loadtests.sizing.measure` measures its constants."""

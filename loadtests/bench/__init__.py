"""The benchmark: what Parley costs beside two floors and the obvious design, measured in one run on one machine.

`python -m loadtests.bench` prints one table. Absolute numbers differ from machine to machine, so most targets are
ratios to programs that do the same with less (`floor_noop`, `floor_writer`) or in the ordinary way (`obvious`).

Every scenario is one module with one `measure` function. The load generator (`client`, `streams`, `load`) runs in the
process of the benchmark itself, whose CPU is never counted. Units: seconds, bytes, and microseconds where the name
ends in `_us`, milliseconds where it ends in `_ms`.
"""

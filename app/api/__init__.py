"""The door: decode, call one action, encode. Each file ends with its router."""

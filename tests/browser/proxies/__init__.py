"""Proxies as they stand between people and servers: real ones with a config of their own, and a hostile one of ours."""

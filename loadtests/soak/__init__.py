"""The soak: load and random faults for as long as one likes, and nothing may be lost, doubled or out of order.

`make soak MINUTES=30` runs it with a server and a database of its own. `stage` starts them, `outbox` and `follower` are
the people, `faults` breaks things, `books` judges, `memory` and `report` tell figures.
"""

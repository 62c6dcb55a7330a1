"""Load: `bench` measures against floors and a baseline in one run; locust users play a crowd."""

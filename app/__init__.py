"""Parley: buyer-seller chat that works wherever plain HTTP works."""

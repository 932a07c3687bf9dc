"""Calls that can wait, sent as batch jobs at half the price."""

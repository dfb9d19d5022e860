"""Frames and cameras in other processes."""

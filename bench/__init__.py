"""Measurements, run by hand; tests check results, not times."""

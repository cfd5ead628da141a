"""Tests of rules: strategies that draw scenarios, invariants, coverage, planted faults, and the comparison of two rulebooks."""

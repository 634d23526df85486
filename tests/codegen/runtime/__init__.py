"""Tests of the runtime that every generated service runs on, with small contracts of their own."""

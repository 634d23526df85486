"""Tests over HTTP, against the service as it is served."""

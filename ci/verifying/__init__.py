"""What docs/verifying.md tells a third party to do, done as it stands there."""

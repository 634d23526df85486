"""What several folders of tests need to start: servers and databases. Holds no assertions."""

"""Side-by-side benchmarks: this service beside the same one written on FastAPI, in one run."""

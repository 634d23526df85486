"""One module a revision, named r<number>_<what>; a released revision is never edited."""

"""Pure translators from the output of quality tools to a QC report document.

One file is one format. Nothing here reads a clock, a network, a file or a database.
"""

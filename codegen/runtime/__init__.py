"""What generated code needs at run time: decoding, validation, dispatch, problems, assembly.

Copied verbatim into each generated package, so a generated service never imports the generator.
"""

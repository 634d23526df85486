"""The linter, `codegen lint`: whether a contract that can be generated from is a good one, too."""

"""The command line: `tasq`. It writes through `output` and `diagnostics` alone."""

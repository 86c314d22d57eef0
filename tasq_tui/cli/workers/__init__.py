"""The processes of `tasq work --processes N`, and what keeps them up."""

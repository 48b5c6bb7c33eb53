"""dslc compiles network specs into readable projects for several frameworks."""

"""Tools on checked specs: summaries, pages, the schema, comparison of backends."""

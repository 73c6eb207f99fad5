"""A merged fleet as bytes, written column by column and read back in a fraction of the time its files take."""

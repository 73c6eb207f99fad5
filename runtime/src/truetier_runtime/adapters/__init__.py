"""Where the parts meet protocols and libraries of others; each file needs at most the one it is named after."""
